import type { DrainHands, RunOutcome, RunWork } from '../../../src/drain/hands.ts';
import type { FailoverHands, MemberLook, Measuring, PairsLook } from '../../../src/failover/hands.ts';
import type { VrrpInstance } from '../../../src/lvs/change/config.ts';
import type { FailoverRecord } from '../../../src/lvs/failover/record.ts';
import { failoverTargetsOf } from '../../../src/lvs/failover/record.ts';
import { withFailovers } from '../../../src/lvs/failover/topology.ts';
import { clusterOf, CLUSTER, FakeCluster } from '../drain/fake.ts';
import { seen } from '../observe/support.ts';

export const VIP = '192.168.0.38';
export const SYNCED = CLUSTER.replace('virtual_router_id', 'connection_sync: true\n    virtual_router_id');

/** A pair that elects as VRRP does: by the priorities that each member's record gives it. Time passes only while somebody sleeps. */
export class FakePair extends FakeCluster implements FailoverHands {
  readonly noted = new Map<string, Map<string, FailoverRecord>>([['lvs1', new Map()], ['lvs2', new Map()]]);
  /** Members whose keepalived does not run, or is in that state. */
  readonly states = new Map<string, string>();
  readonly noSync = new Set<string>();
  /** Addresses that a member has besides. */
  readonly extra = new Map<string, string[]>();
  /** Weights of rs1 in a kernel that are not the inventory's. */
  readonly oddWeights = new Map<string, number>();
  readonly connected = new Map<string, Set<string>>([['lvs1', new Set()], ['lvs2', new Set()]]);
  /** Elections that never end. */
  stuck = false;
  measuring = 0;
  readonly deaths: string[] = [];

  constructor(text = CLUSTER) {
    super(clusterOf(text));
  }

  lookAtPairs(_pairs: readonly string[], without: readonly string[] = []): Promise<PairsLook> {
    this.onLook();
    const asked = ['lvs1', 'lvs2'].filter((host) => !without.includes(host));
    return Promise.resolve(seen(Object.fromEntries(asked.map((host) => [host, this.gone.has(host) ? undefined : (this.broken.get(host) ?? this.#member(host))] as const))));
  }

  connections(_pairs: readonly string[], hosts: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    return Promise.resolve(new Map(hosts.map((host) => [host, this.connected.get(host) ?? new Set()])));
  }

  measure(): Promise<Measuring> {
    this.measuring += 1;
    let ended = false;
    return Promise.resolve({
      died: (host) => { this.deaths.push(host); },
      end: () => {
        if (!ended) this.measuring -= 1;
        ended = true;
        return Promise.resolve({ timelines: [], clients: [], untried: [], arps: [{ vip: VIP, from: { '02:00:00:00:00:02': 5 } }] });
      },
      afterwards: () => Promise.resolve(),
    });
  }

  override async run(work: RunWork): Promise<RunOutcome> {
    const outcome = await super.run(work);
    if (outcome.code !== 0 || !('plays' in work.what)) return outcome;
    for (const play of work.what.plays) {
      const host = play['hosts'] as string;
      for (const task of play['tasks'] as { lvs_failover?: { pairs: string[]; state?: string; to?: string; by?: string; reason?: string; since?: string; until?: string }; service?: object }[]) {
        if (task.lvs_failover !== undefined) this.#write(host, task.lvs_failover);
        if (task.service !== undefined && this.holder === host && !this.stuck) this.holder = host === 'lvs1' ? 'lvs2' : 'lvs1';
      }
      if (this.topology.pairs.get('edge')?.preempt === true) this.elect();
    }
    return outcome;
  }

  /** The highest priority that anybody has holds. */
  elect(): void {
    if (this.stuck) return;
    const priority = (host: string): number => withFailovers(this.topology, failoverTargetsOf(this.noted.get(host)?.values() ?? [])).pairs.get('edge')?.members.find((member) => member.host === host)?.priority ?? 0;
    const alive = ['lvs1', 'lvs2'].filter((host) => !this.gone.has(host) && !this.states.has(host));
    // Who holds goes on when nobody has more.
    const most = Math.max(...alive.map(priority));
    if (!alive.includes(this.holder) || priority(this.holder) < most) this.holder = alive.find((host) => priority(host) === most) ?? '';
  }

  /** Who has which record: `lvs1 edge lvs2`. */
  failovers(): string[] {
    return [...this.noted].flatMap(([host, records]) => [...records.values()].map(({ pair, to }) => `${host} ${pair} ${to}`));
  }

  override insisting(): FailoverHands {
    const firm = super.insisting();
    const own: FailoverHands = {
      ...plain(firm),
      lookAtPairs: (pairs, without) => this.lookAtPairs(pairs, without),
      connections: (pairs, hosts) => this.connections(pairs, hosts),
      measure: () => this.measure(),
      insisting: () => own,
    };
    return own;
  }

  #write(host: string, { pairs, state, to = '', by = '', reason = '', since = '', until }: { pairs: string[]; state?: string; to?: string; by?: string; reason?: string; since?: string; until?: string }): void {
    for (const pair of pairs) {
      if (state === 'absent') this.noted.get(host)?.delete(pair);
      else this.noted.get(host)?.set(pair, { version: 1, pair, to, by, reason, since, until: until ?? null });
    }
  }

  #member(host: string): MemberLook {
    const state = this.states.get(host);
    const stopped = state === 'stopped';
    const instance = (name: string): VrrpInstance => ({ name, state: state ?? (this.holder === host ? 'MASTER' : 'BACKUP'), virtualRouterId: 51, interface: 'eth0', priority: 100, advertInterval: 1000, password: undefined, vips: [VIP], excluded: [] });
    const service = this.topology.services.get('web')!;
    const destinations = service.realServers.map((server) => ({ address: server.address, port: server.port, forward: service.mode, weight: server.host === 'rs1' ? (this.oddWeights.get(host) ?? server.weight) : server.weight, activeConnections: 0, inactiveConnections: 0 }));
    return {
      host,
      alive: !stopped,
      state: stopped ? 'inactive (dead)' : 'active (running)',
      addresses: new Set([...(this.holder === host ? [VIP] : []), ...(this.extra.get(host) ?? [])]),
      running: stopped ? undefined : { instances: [...this.topology.pairs.keys()].map(instance), services: [] },
      table: { services: [{ protocol: 'tcp', address: VIP, port: 80, scheduler: 'wrr', flags: undefined, persistence: undefined, destinations }] },
      failovers: Object.fromEntries(this.noted.get(host) ?? []),
      sync: this.noSync.has(host) ? [] : [this.holder === host ? 'master' : 'backup'],
      macs: [`02:00:00:00:00:0${host.slice(-1)}`],
    };
  }
}

/** What a class has by its prototype, too. */
function plain(hands: DrainHands): DrainHands {
  return {
    topology: hands.topology,
    look: (hosts) => hands.look(hosts),
    versions: (hosts) => hands.versions(hosts),
    run: (work) => hands.run(work),
    plan: (plays) => hands.plan(plays),
    checkDirectly: (host) => hands.checkDirectly(host),
    say: (level, text) => { hands.say(level, text); },
    progress: () => undefined,
    now: () => hands.now(),
    sleep: (milliseconds) => hands.sleep(milliseconds),
    signal: hands.signal,
    insisting: () => hands.insisting(),
  };
}
