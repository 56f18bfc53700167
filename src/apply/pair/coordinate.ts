import { LvsPlayError, messageOf } from '../../core/errors.ts';
import { classifyChange, masterDown, type PairChange, quiesced } from '../../lvs/change/classify.ts';
import { configOf, confNodes } from '../../lvs/change/config.ts';
import { advertsMatch } from '../../lvs/change/differences.ts';
import { backupFirst } from '../../lvs/model/groups.ts';
import type { PairActivation, PairRestart, Step } from '../../modules/contract.ts';
import { known } from '../../observe/missing.ts';
import type { Observation } from '../../observe/observation.ts';
import { unansweredWords } from '../../observe/words.ts';
import type { Done } from '../executed.ts';
import { directorFaults, type DirectorNow, holderFaults } from './director.ts';
import { Meeting } from './joint.ts';
import { type DoSteps, RELOAD, REVIVE, SETTLE_MS, START, STOP } from './keepalived-steps.ts';
import { PairLook, type PairServices, POLL_MS } from './look.ts';
import { restartFailed, restartMember } from './restart.ts';
import type { Watch } from './watch.ts';

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

/**
 * Puts new configurations of HA pairs into force so that no virtual IP is ever held by two: serial changes as they come, with a look after each; others with all
 * members at the same moment. When what comes out is not what should be, the old configuration is put back and the task fails.
 */
export class PairCoordinator {
  readonly #services: PairServices;
  readonly #look: PairLook;
  readonly #joints = new Map<string, Joint>();
  /** By pair: the restart of a member that is under way, or was the last. */
  readonly #restarts = new Map<string, Promise<unknown>>();

  constructor(services: PairServices) {
    this.#services = services;
    this.#look = new PairLook(services);
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
    const vips = this.#look.vipsOf(activation.pairs);
    const members = this.#look.membersOf(activation.pairs);
    if (joint.hosts.length === 1 && (change.class === 'simultaneous' || change.class === 'disruptive')) await this.#refuseAlone(host, activation, change, members);
    const drained = await this.#drain(host, activation, change, members, vips, doSteps);
    if (drained.failing !== undefined) return drained;
    const write = steps.filter((step) => step.activates !== true);
    const activate = steps.filter((step) => step.activates === true);
    const written = await doSteps(write);
    if (written.failing !== undefined) return written;
    joint.wanted.set(host, activation.after);
    joint.watches ??= this.#look.watch(members);
    await joint.watches;
    try {
      await joint.written.arrive(host);
    } catch (error) {
      await this.#endWatches(activation.pairs, joint);
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
   * Steps that restart the daemon or the host. Also restarts that no plan foresaw, and that tasks of several members come to at the same time, are made one after
   * the other, up to the first that fails.
   * @throws LvsPlayError when that does not end well
   */
  restart(host: string, work: PairRestart, steps: readonly Step[], doSteps: DoSteps): Promise<Done> {
    const before = Promise.all(work.pairs.map((pair) => this.#restarts.get(pair) ?? Promise.resolve()));
    const mine = before.then(
      () => restartMember(this.#look, host, work, steps, doSteps),
      // Whatever became of the other one, this host is as it was.
      (cause: unknown) => Promise.reject(restartFailed(host, `${host} is not restarted, as one of its pair did not come back well: ${messageOf(cause)}`, 'put that host right, then lvs-play resume goes on')),
    );
    for (const pair of work.pairs) this.#restarts.set(pair, mine);
    return mine;
  }

  /** A member of the pair that is not in this run, and that runs, would take itself for alone. @throws LvsPlayError before anything is changed */
  async #refuseAlone(host: string, activation: PairActivation, change: PairChange, members: readonly string[]): Promise<void> {
    const wanted = configOf(confNodes(activation.after, 'keepalived.conf'));
    const others = await this.#look.ask(members.filter((member) => member !== host));
    const deaf = others.each(({ alive, running }, member) => (alive && running !== undefined && !advertsMatch(running, wanted) ? [member] : [])).flat();
    // It may be down, which is what the pair is there for; that it is, nobody knows.
    if (others.missing.length > 0) this.#services.emit({ at: Date.now(), type: 'message', level: 'warning', host, text: this.#services.mask(`${unansweredWords(others.missing)}: whether it would still hear ${host} is unknown`) });
    if (deaf.length === 0) return;
    throw new LvsPlayError({
      code: 'pair-one-sided',
      kind: 'host',
      host,
      message: `${host} cannot change alone: ${change.reasons.join('; ')}, and ${deaf.join(', ')} would no longer hear it, so that both held the virtual IPs; nothing was changed`,
      hint: `take ${deaf.join(', ')} into the run (-l), or stop keepalived there first`,
    });
  }

  /** A disruptive change: who does not hold the virtual IPs stops, the holder takes the new configuration, the others start with theirs. */
  async #inTurn(host: string, joint: Joint, vips: readonly string[], activate: readonly Step[], doSteps: DoSteps): Promise<Done> {
    joint.holder ??= this.#look.ask(joint.hosts).then((seen) => seen.each(({ addresses }, member) => (vips.some((vip) => addresses.has(vip)) ? [member] : [])).flat()[0] ?? joint.hosts[0] ?? host);
    const holder = await joint.holder;
    if (holder === host) {
      await joint.reloaded.arrive(host).catch(() => undefined);
      return doSteps(activate);
    }
    try {
      const stopped = await doSteps([STOP]);
      await joint.reloaded.arrive(host).catch(() => undefined);
      if (stopped.failing !== undefined) return stopped;
      // Started before the holder is back, it would be elected first, and the virtual IPs would move twice.
      await this.#look.settled([holder], (seen) => holderFaults(vips, seen), SETTLE_MS);
    } catch (error) {
      // It may have stopped: whatever went wrong, it runs again.
      await doSteps([START]).catch(() => undefined);
      throw error;
    }
    return doSteps([START]);
  }

  /**
   * Real servers that leave first get nothing new, on the director that holds the virtual IPs; once they have no active connection, or the time is over, they may
   * go. A director that holds nothing has no connections to lose.
   */
  async #drain(host: string, activation: PairActivation, change: PairChange, members: readonly string[], vips: readonly string[], doSteps: DoSteps): Promise<Done> {
    const none: Done = { outcomes: [], failing: undefined };
    if (change.leaving.size === 0) return none;
    const now = await this.#look.ask([host]);
    // Where it holds something, connections would be cut: that it holds nothing has to be seen.
    if (!known(now.some(({ addresses }) => vips.some((vip) => addresses.has(vip))), `whether ${host} holds ${vips.join(', ')}`)) return none;
    const interim = quiesced(activation.before, change.leaving);
    const faults = await this.#quiesce(host, activation, interim, doSteps);
    if (faults.length > 0) throw await this.#takenBack(host, newJoint([host]), activation, faults, vips, members, doSteps);
    const deadline = Date.now() + activation.drainSeconds * 1000;
    for (;;) {
      const seen = await this.#look.ask([host]);
      const open = seen.each(({ table }) => openConnections(table, change.leaving)).flat();
      if (open.length === 0 && seen.missing.length === 0) return none;
      if (Date.now() >= deadline) {
        const text = seen.missing.length > 0 ? `unknown, as ${unansweredWords(seen.missing)}` : open.map(({ server, service, active }) => `${String(active)} of ${server} in ${service}`).join(', ');
        this.#services.emit({ at: Date.now(), type: 'message', level: 'warning', host, text: `${host}: still open after ${String(activation.drainSeconds)} s, and cut now: ${text}` });
        return none;
      }
      await this.#services.sleep(POLL_MS);
    }
  }

  /** Servers that leave get nothing new. @returns what is wrong: then the old configuration has to come back, whatever went wrong */
  async #quiesce(host: string, activation: PairActivation, interim: string, doSteps: DoSteps): Promise<readonly string[]> {
    try {
      const done = await doSteps([activation.write(interim), RELOAD]);
      if (done.failing !== undefined) return [`${done.failing.title} failed on ${host}`];
      return await this.#look.settled([host], (seen) => [...unansweredFaults(seen), ...seen.each((state) => directorFaults(state, interim)).flat()], SETTLE_MS, new Map([[host, interim]]));
    } catch (error) {
      return [messageOf(error)];
    }
  }

  async #judge(joint: Joint, activation: PairActivation, change: PairChange, vips: readonly string[], members: readonly string[]): Promise<readonly string[]> {
    const elections = Math.max(0, ...configOf(confNodes(activation.after, 'keepalived.conf')).instances.map(masterDown));
    const limit = SETTLE_MS + (change.class === 'disruptive' ? 2 : 1) * elections * 1000;
    const faults = await this.#look.settled(
      members,
      (seen) => [
        ...[...joint.wanted].flatMap(([host, text]) => {
          const state = seen.at(host);
          return state?.kind === 'answered' ? directorFaults(state.value, text) : unansweredFaults(seen.among([host]));
        }),
        ...holderFaults(vips, seen),
      ],
      limit,
      joint.wanted,
    );
    await this.#endWatches(activation.pairs, joint);
    return [...joint.failures, ...faults];
  }

  /** Tells how the virtual IPs fared; of those who changed together the first tells it. */
  async #endWatches(pairs: readonly string[], joint: Joint): Promise<void> {
    const watches = (await joint.watches) ?? [];
    joint.watches = Promise.resolve([]);
    if (watches.length > 0) await this.#look.report(pairs, joint.hosts, watches);
  }

  /** Puts the old configuration back, on every member that took the new one. @returns the error that tells */
  async #takenBack(host: string, joint: Joint, activation: PairActivation, faults: readonly string[], vips: readonly string[], members: readonly string[], doSteps: DoSteps): Promise<LvsPlayError> {
    const back = await attempt(doSteps, activation.putBack);
    // All have their old file before any of them reads it.
    await joint.judged.arrive(host).catch(() => undefined);
    const revived = await attempt(doSteps, [REVIVE]);
    const left = await this.#look.settled(members, (seen) => [...unansweredFaults(seen.among([host])), ...seen.among([host]).each((state) => directorFaults(state, activation.before)).flat(), ...holderFaults(vips, seen)], 2 * SETTLE_MS, new Map([[host, activation.before]]));
    const failed = [...back, ...revived, ...left];
    const outcome = failed.length === 0 ? 'the old configuration is back and runs' : `the old configuration was put back, but: ${failed.join('; ')}`;
    return new LvsPlayError({ code: 'pair-change-failed', kind: 'host', host, message: this.#services.mask(`${faults.join('; ')}; ${outcome}`), hint: `journalctl -u keepalived on ${host} tells why` });
  }
}

function newJoint(hosts: readonly string[]): Joint {
  const meeting = (): Meeting => new Meeting(hosts);
  return { hosts, written: meeting(), reloaded: meeting(), activated: meeting(), judged: meeting(), wanted: new Map(), failures: [], faults: undefined, watches: undefined, holder: undefined };
}

/** Does steps whose failure keeps nothing else from being done. @returns what went wrong */
async function attempt(doSteps: DoSteps, steps: readonly Step[]): Promise<readonly string[]> {
  try {
    const { failing } = await doSteps(steps);
    return failing === undefined ? [] : [`${failing.title} failed`];
  } catch (error) {
    return [messageOf(error)];
  }
}

function unansweredFaults(seen: Observation<DirectorNow>): string[] {
  return seen.missing.length === 0 ? [] : [unansweredWords(seen.missing)];
}

/** Active connections to servers that are to go. */
function openConnections(table: DirectorNow['table'], leaving: PairChange['leaving']): { service: string; server: string; active: number }[] {
  return table.services.flatMap((service) => {
    const name = service.protocol === 'fwm' ? `FWM ${String(service.port)}` : `${service.protocol.toUpperCase()} ${service.address.includes(':') ? `[${service.address}]` : service.address}:${String(service.port)}`;
    const servers = leaving.get(name) ?? [];
    return service.destinations.flatMap((one) => {
      const server = `${one.address.includes(':') ? `[${one.address}]` : one.address}:${String(one.port)}`;
      const active = one.activeConnections ?? 0;
      return servers.includes(server) && active > 0 ? [{ service: name, server, active }] : [];
    });
  });
}

