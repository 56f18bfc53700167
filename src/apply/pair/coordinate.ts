import { LvsPlayError } from '../../core/errors.ts';
import { classifyChange, masterDown, type PairChange, quiesced } from '../../lvs/change/classify.ts';
import { configOf, confNodes } from '../../lvs/change/config.ts';
import { type HolderLog, timelines, timelineText } from '../../lvs/change/timeline.ts';
import { backupFirst } from '../../lvs/model/groups.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import type { PairActivation, PairRestart, Step } from '../../modules/contract.ts';
import type { Emit } from '../../plan/input.ts';
import type { Target } from '../../transport/target.ts';
import type { Done } from '../executed.ts';
import { advertsMatch } from '../../lvs/change/differences.ts';
import { DIRECTOR_SCRIPT, directorFaults, type DirectorNow, holderFaults, parseDirector, readinessFaults } from './director.ts';
import { Meeting } from './joint.ts';
import { startWatch, type Watch } from './watch.ts';

/** What the coordination needs of a run. */
export interface PairServices {
  readonly topology: Topology | undefined;
  readonly target: (host: string) => Promise<Target>;
  readonly emit: Emit;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly mask: (text: string) => string;
}

/** Does steps on the host in hand. */
type DoSteps = (steps: readonly Step[]) => Promise<Done>;

/** Members that make one change together. */
interface Joint {
  readonly hosts: readonly string[];
  readonly written: Meeting;
  readonly activated: Meeting;
  readonly judged: Meeting;
  /** Of a disruptive change: the holder has its new configuration. */
  readonly reloaded: Meeting;
  /** What each member shall run. */
  readonly wanted: Map<string, string>;
  /** Steps that did not succeed. */
  readonly failures: string[];
  faults: Promise<readonly string[]> | undefined;
  watches: Promise<readonly Watch[]> | undefined;
  holder: Promise<string> | undefined;
}

/** A reload takes keepalived a second or two, as it checks its file first. */
const SETTLE_MS = 10_000;
const POLL_MS = 500;

const RELOAD: Step = { kind: 'exec', title: 'reload keepalived', argv: ['systemctl', 'reload-or-restart', 'keepalived.service'], stale: [{ fact: 'unit', key: 'keepalived.service' }, { fact: 'address', key: '*' }, { fact: 'ipvs', key: '*' }, { fact: 'keepalived', key: '*' }] };
const START: Step = { ...RELOAD, title: 'start keepalived', argv: ['systemctl', 'start', 'keepalived.service'] };
const STOP: Step = { ...RELOAD, title: 'stop keepalived', argv: ['systemctl', 'stop', 'keepalived.service'] };
/** Also one that died, which systemd may have given up on. */
const REVIVE: Step = { ...RELOAD, kind: 'script', title: 'bring keepalived back', script: 'systemctl reset-failed keepalived.service 2>/dev/null; if systemctl is-active --quiet keepalived.service; then systemctl reload keepalived.service; else systemctl restart keepalived.service; fi' };

/**
 * Puts new configurations of HA pairs into force so that no virtual IP is ever held by two: serial changes as they come, with a look after each; others with all
 * members at the same moment. When what comes out is not what should be, the old configuration is put back and the task fails.
 */
export class PairCoordinator {
  readonly #services: PairServices;
  readonly #joints = new Map<string, Joint>();

  constructor(services: PairServices) {
    this.#services = services;
  }

  /** These hosts make their next activation together. */
  join(hosts: readonly string[]): void {
    const joint = newJoint(hosts);
    for (const host of hosts) this.#joints.set(host, joint);
  }

  /** The host's task has ended, well or not. */
  part(host: string): void {
    const joint = this.#joints.get(host);
    if (joint === undefined) return;
    for (const meeting of [joint.written, joint.reloaded, joint.activated, joint.judged]) meeting.leave(host);
    this.#joints.delete(host);
  }

  /** The steps of a task that changes what pairs run. @throws LvsPlayError when the change was taken back, or could not be */
  async carryOut(host: string, activation: PairActivation, steps: readonly Step[], doSteps: DoSteps): Promise<Done> {
    const change = classifyChange(activation.before, activation.after);
    const joint = this.#joints.get(host) ?? newJoint([host]);
    const vips = this.#vipsOf(activation.pairs);
    const members = this.#membersOf(activation.pairs);
    if (joint.hosts.length === 1 && (change.class === 'simultaneous' || change.class === 'disruptive')) await this.#refuseAlone(host, activation, change, members);
    const drained = await this.#drain(host, activation, change, members, vips, doSteps);
    if (drained.failing !== undefined) return drained;
    const write = steps.filter((step) => step.activates !== true);
    const activate = steps.filter((step) => step.activates === true);
    const written = await doSteps(write);
    if (written.failing !== undefined) return written;
    joint.wanted.set(host, activation.after);
    joint.watches ??= this.#watch(members);
    await joint.watches;
    try {
      await joint.written.arrive(host);
    } catch (error) {
      await this.#endWatches(joint);
      await doSteps(activation.putBack);
      throw error;
    }
    const activated = change.class === 'disruptive' && joint.hosts.length > 1 ? await this.#inTurn(host, joint, vips, activate, doSteps) : await doSteps(activate);
    if (activated.failing !== undefined) joint.failures.push(`${activated.failing.title} failed on ${host}`);
    await joint.activated.arrive(host).catch(() => undefined);
    joint.faults ??= this.#judge(joint, activation, change, vips, members);
    const faults = await joint.faults;
    if (faults.length === 0) return { outcomes: [...written.outcomes, ...activated.outcomes], failing: undefined };
    throw await this.#takenBack(host, joint, activation, faults, vips, members, doSteps);
  }

  /** A host's members of pairs come in the order in which a mistake costs least. */
  inOrder(hosts: readonly string[]): readonly string[] {
    return this.#services.topology === undefined ? hosts : backupFirst(this.#services.topology, hosts);
  }

  /**
   * Steps that restart the daemon. Before another member may follow, it runs again and is able to take over, and each virtual IP has one holder.
   * @throws LvsPlayError when that does not come about
   */
  async restart(host: string, { pairs }: PairRestart, steps: readonly Step[], doSteps: DoSteps): Promise<Done> {
    const vips = this.#vipsOf(pairs);
    const members = this.#membersOf(pairs);
    const [before] = await this.#ask([host]);
    // Nothing ran that could be missed.
    if (before?.alive !== true) return doSteps(steps);
    const joint = newJoint([host]);
    joint.watches = this.#watch(members);
    await joint.watches;
    const done = await doSteps(steps);
    const election = Math.max(0, ...(before.running?.instances ?? []).map(masterDown));
    const faults = await this.#settled(members, (states) => [...readinessFaults(host, states), ...holderFaults(vips, states)], SETTLE_MS + election * 1000);
    await this.#report(pairs, vips, joint);
    if (done.failing !== undefined || faults.length === 0) return done;
    throw new LvsPlayError({ code: 'pair-restart-failed', kind: 'host', host, message: this.#services.mask(`${faults.join('; ')}; no other director is restarted`), hint: `journalctl -u keepalived on ${host} tells why` });
  }

  /** A member of the pair that is not in this run, and that runs, would take itself for alone. @throws LvsPlayError before anything is changed */
  async #refuseAlone(host: string, activation: PairActivation, change: PairChange, members: readonly string[]): Promise<void> {
    const wanted = configOf(confNodes(activation.after, 'keepalived.conf'));
    const others = await this.#ask(members.filter((member) => member !== host));
    const deaf = others.filter(({ alive, running }) => alive && running !== undefined && !advertsMatch(running, wanted)).map((state) => state.host);
    if (deaf.length === 0) return;
    throw new LvsPlayError({
      code: 'pair-one-sided',
      kind: 'host',
      host,
      message: `${host} cannot change alone: ${change.reasons.join('; ')}, and ${deaf.join(', ')} would no longer hear it, so that both held the virtual IPs; nothing was changed`,
      hint: `take ${deaf.join(', ')} into the run (-l), or stop keepalived there first`,
    });
  }

  #vipsOf(pairs: readonly string[]): string[] {
    return pairs.flatMap((name) => this.#services.topology?.pairs.get(name)?.vips.map(({ address }) => address) ?? []);
  }

  #membersOf(pairs: readonly string[]): string[] {
    return [...new Set(pairs.flatMap((name) => this.#services.topology?.pairs.get(name)?.members.map(({ host }) => host) ?? []))];
  }

  /** A disruptive change: who does not hold the virtual IPs stops, the holder takes the new configuration, the others start with theirs. */
  async #inTurn(host: string, joint: Joint, vips: readonly string[], activate: readonly Step[], doSteps: DoSteps): Promise<Done> {
    joint.holder ??= this.#ask(joint.hosts).then((states) => states.find(({ addresses }) => vips.some((vip) => addresses.has(vip)))?.host ?? joint.hosts[0] ?? host);
    const holder = await joint.holder;
    if (holder === host) {
      await joint.reloaded.arrive(host).catch(() => undefined);
      return doSteps(activate);
    }
    const stopped = await doSteps([STOP]);
    await joint.reloaded.arrive(host).catch(() => undefined);
    if (stopped.failing !== undefined) return stopped;
    // Started before the holder is back, it would be elected first, and the virtual IPs would move twice.
    await this.#settled([holder], (states) => holderFaults(vips, states), SETTLE_MS);
    return doSteps([START]);
  }

  /**
   * Real servers that leave first get nothing new, on the director that holds the virtual IPs; once they have no active connection, or the time is over, they may
   * go. A director that holds nothing has no connections to lose.
   */
  async #drain(host: string, activation: PairActivation, change: PairChange, members: readonly string[], vips: readonly string[], doSteps: DoSteps): Promise<Done> {
    const none: Done = { outcomes: [], failing: undefined };
    if (change.leaving.size === 0) return none;
    const [now] = await this.#ask([host]);
    if (now === undefined || !vips.some((vip) => now.addresses.has(vip))) return none;
    const interim = quiesced(activation.before, change.leaving);
    const done = await doSteps([activation.write(interim), RELOAD]);
    if (done.failing !== undefined) return done;
    const faults = await this.#settled([host], (states) => states.flatMap((state) => directorFaults(state, interim)), SETTLE_MS);
    if (faults.length > 0) throw await this.#takenBack(host, newJoint([host]), activation, faults, vips, members, doSteps);
    const deadline = Date.now() + activation.drainSeconds * 1000;
    for (;;) {
      const open = openConnections(await this.#ask([host]), change.leaving);
      if (open.length === 0) return none;
      if (Date.now() >= deadline) {
        const text = open.map(({ server, service, active }) => `${String(active)} of ${server} in ${service}`).join(', ');
        this.#services.emit({ at: Date.now(), type: 'message', level: 'warning', host, text: `${host}: still open after ${String(activation.drainSeconds)} s, and cut now: ${text}` });
        return none;
      }
      await this.#services.sleep(POLL_MS);
    }
  }

  async #judge(joint: Joint, activation: PairActivation, change: PairChange, vips: readonly string[], members: readonly string[]): Promise<readonly string[]> {
    const elections = Math.max(0, ...configOf(confNodes(activation.after, 'keepalived.conf')).instances.map(masterDown));
    const limit = SETTLE_MS + (change.class === 'disruptive' ? 2 : 1) * elections * 1000;
    const faults = await this.#settled(
      members,
      (states) => [
        ...[...joint.wanted].flatMap(([host, text]) => {
          const state = states.find((one) => one.host === host);
          return state === undefined ? [`${host} no longer answers`] : directorFaults(state, text);
        }),
        ...holderFaults(vips, states),
      ],
      limit,
    );
    await this.#report(activation.pairs, vips, joint);
    return [...joint.failures, ...faults];
  }

  /** Looks until nothing is wrong any more, or the time is over. @returns what is wrong then */
  async #settled(hosts: readonly string[], faultsOf: (states: readonly DirectorNow[]) => readonly string[], limit: number): Promise<readonly string[]> {
    const deadline = Date.now() + limit;
    for (;;) {
      const faults = [...new Set(faultsOf(await this.#ask(hosts)))];
      if (faults.length === 0 || Date.now() >= deadline) return faults;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #ask(hosts: readonly string[]): Promise<DirectorNow[]> {
    const states = await Promise.all(
      hosts.map(async (host) => {
        try {
          const target = await this.#services.target(host);
          const reply = await target.request({ script: DIRECTOR_SCRIPT, become: true, lane: 'side' });
          return [parseDirector(host, reply.stdout.toString('utf8'))];
        } catch (error) {
          // The other member may be down, which is what it is there for. That a host of the task itself is missing is found by who judges.
          if (error instanceof LvsPlayError) return [];
          throw error;
        }
      }),
    );
    return states.flat();
  }

  async #watch(members: readonly string[]): Promise<readonly Watch[]> {
    const watches = await Promise.all(
      members.map(async (host) => {
        try {
          return await startWatch(host, await this.#services.target(host));
        } catch {
          return undefined;
        }
      }),
    );
    return watches.filter((watch) => watch !== undefined);
  }

  async #endWatches(joint: Joint): Promise<HolderLog[]> {
    const watches = (await joint.watches) ?? [];
    joint.watches = Promise.resolve([]);
    const logs = await Promise.all(watches.map((watch) => watch.end()));
    return logs.filter((log) => log !== undefined);
  }

  /** Tells how the virtual IPs fared. */
  async #report(pairs: readonly string[], vips: readonly string[], joint: Joint): Promise<void> {
    const seen = timelines(vips, await this.#endWatches(joint));
    this.#services.emit({ at: Date.now(), type: 'pair-watched', pairs, hosts: joint.hosts, vips: seen, text: `${pairs.join(', ')}: ${seen.map(timelineText).join('; ')}` });
  }

  /** Puts the old configuration back, on every member that took the new one. @returns the error that tells */
  async #takenBack(host: string, joint: Joint, activation: PairActivation, faults: readonly string[], vips: readonly string[], members: readonly string[], doSteps: DoSteps): Promise<LvsPlayError> {
    const back = await doSteps(activation.putBack);
    // All have their old file before any of them reads it.
    await joint.judged.arrive(host).catch(() => undefined);
    const revived = await doSteps([REVIVE]);
    const left = await this.#settled(members, (states) => [...states.filter((state) => state.host === host).flatMap((state) => directorFaults(state, activation.before)), ...holderFaults(vips, states)], 2 * SETTLE_MS);
    const failed = [...(back.failing === undefined ? [] : [`${back.failing.title} failed`]), ...(revived.failing === undefined ? [] : [`${revived.failing.title} failed`]), ...left];
    const outcome = failed.length === 0 ? 'the old configuration is back and runs' : `the old configuration was put back, but: ${failed.join('; ')}`;
    return new LvsPlayError({ code: 'pair-change-failed', kind: 'host', host, message: this.#services.mask(`${faults.join('; ')}; ${outcome}`), hint: `journalctl -u keepalived on ${host} tells why` });
  }
}

function newJoint(hosts: readonly string[]): Joint {
  const meeting = (): Meeting => new Meeting(hosts);
  return { hosts, written: meeting(), reloaded: meeting(), activated: meeting(), judged: meeting(), wanted: new Map(), failures: [], faults: undefined, watches: undefined, holder: undefined };
}

/** Active connections to servers that are to go. */
function openConnections(states: readonly DirectorNow[], leaving: PairChange['leaving']): { service: string; server: string; active: number }[] {
  return states.flatMap(({ table }) =>
    table.services.flatMap((service) => {
      const name = service.protocol === 'fwm' ? `FWM ${String(service.port)}` : `${service.protocol.toUpperCase()} ${service.address.includes(':') ? `[${service.address}]` : service.address}:${String(service.port)}`;
      const servers = leaving.get(name) ?? [];
      return service.destinations.flatMap((one) => {
        const server = `${one.address.includes(':') ? `[${one.address}]` : one.address}:${String(one.port)}`;
        const active = one.activeConnections ?? 0;
        return servers.includes(server) && active > 0 ? [{ service: name, server, active }] : [];
      });
    }),
  );
}

