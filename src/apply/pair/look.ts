import { timelines, timelineText } from '../../lvs/change/timeline.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import type { Emit } from '../../plan/input.ts';
import { observe } from '../../observe/ask.ts';
import type { Observation } from '../../observe/observation.ts';
import type { Target } from '../../transport/target.ts';
import { DIRECTOR_SCRIPT, type DirectorNow, parseDirector, runsOther } from './director.ts';
import { RELOAD_SCRIPT } from './keepalived-steps.ts';
import { startWatch, type Watch } from './watch.ts';

/** What the coordination needs of a run. */
export interface PairServices {
  readonly topology: Topology | undefined;
  readonly target: (host: string) => Promise<Target>;
  readonly emit: Emit;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly mask: (text: string) => string;
}

/** Between two looks. */
export const POLL_MS = 500;
/** While all answer, what is wrong counts only after so many looks, or several times the limit: a director that answers slowly takes its new configuration slowly, too. */
const LEAST_LOOKS = 10;
const MOST_LIMITS = 6;
/**
 * After so long a director that still runs something else is told again to read its file. With `reload_check_config` keepalived first checks it in a process of its own; where that
 * takes longer than 5 s, as on a very busy host, it is ended and the reload is forgotten, which only the log tells (2.2.7, measured).
 */
const REMIND_MS = 7000;
const MOST_REMINDERS = 2;

/** Looks at the members of pairs beside the steps in hand: what they say of themselves, and who holds what meanwhile. */
export class PairLook {
  readonly #services: PairServices;

  constructor(services: PairServices) {
    this.#services = services;
  }

  vipsOf(pairs: readonly string[]): string[] {
    return pairs.flatMap((name) => this.#services.topology?.pairs.get(name)?.vips.map(({ address }) => address) ?? []);
  }

  membersOf(pairs: readonly string[]): string[] {
    return [...new Set(pairs.flatMap((name) => this.#services.topology?.pairs.get(name)?.members.map(({ host }) => host) ?? []))];
  }

  /** The other member may be down, which is what it is there for: who judges says what that means. */
  ask(hosts: readonly string[]): Promise<Observation<DirectorNow>> {
    return observe(hosts, this.#services.target, (host) => ({ script: DIRECTOR_SCRIPT, read: (output) => parseDirector(host, output) }), { lane: 'side' });
  }

  /**
   * Looks until nothing is wrong any more, or the time is over, which is longer where answers take long.
   * @param wanted what directors were told to run, by host: one that runs something else is told again
   * @returns what is wrong then
   */
  async settled(hosts: readonly string[], faultsOf: (seen: Observation<DirectorNow>) => readonly string[], limitMs: number, wanted: ReadonlyMap<string, string> = new Map()): Promise<readonly string[]> {
    const begin = Date.now();
    let told = begin;
    let reminders = 0;
    for (let looks = 1; ; looks++) {
      const seen = await this.ask(hosts);
      const faults = [...new Set(faultsOf(seen))];
      const passed = Date.now() - begin;
      const slow = seen.missing.length === 0 && looks < LEAST_LOOKS && passed < MOST_LIMITS * limitMs;
      if (faults.length === 0) return faults;
      const due = Date.now() - told >= REMIND_MS;
      if (due && reminders < MOST_REMINDERS && (await this.#remind(seen, wanted))) {
        told = Date.now();
        reminders++;
      } else if (passed >= limitMs && !slow && (reminders === 0 || due)) return faults;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Tells directors again that run something else than they were told. Whether that helps is seen by the next looks. @returns whether there is one */
  async #remind(seen: Observation<DirectorNow>, wanted: ReadonlyMap<string, string>): Promise<boolean> {
    const behind = seen.each((now, host) => {
      const text = wanted.get(host);
      return text !== undefined && runsOther(now, text) ? [host] : [];
    }).flat();
    await Promise.all(
      behind.map(async (host) => {
        this.#services.emit({ at: Date.now(), type: 'message', level: 'info', host, text: `${host}: keepalived has not taken its new configuration so far, and is told again to reload` });
        await this.#services.target(host).then((target) => target.request({ script: RELOAD_SCRIPT, become: true, lane: 'side' })).catch(() => undefined);
      }),
    );
    return behind.length > 0;
  }

  /** Watches those that can be. */
  async watch(members: readonly string[]): Promise<readonly Watch[]> {
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

  /** Ends watches, and tells how the virtual IPs fared. */
  async report(pairs: readonly string[], hosts: readonly string[], watches: readonly Watch[]): Promise<void> {
    const logs = (await Promise.all(watches.map((watch) => watch.end()))).filter((log) => log !== undefined);
    const unwatched = this.membersOf(pairs).filter((host) => logs.every((log) => log.host !== host));
    const seen = timelines(this.vipsOf(pairs), logs, unwatched);
    this.#services.emit({ at: Date.now(), type: 'pair-watched', pairs, hosts, vips: seen, text: `${pairs.join(', ')}: ${seen.map(timelineText).join('; ')}` });
  }
}
