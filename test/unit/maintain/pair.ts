import type { RunOutcome, RunWork } from '../../../src/drain/hands.ts';
import type { FailoverHands, Measured, Measuring, MemberLook, PairsLook } from '../../../src/failover/hands.ts';
import { failoverTargetsOf, type FailoverRecord } from '../../../src/lvs/failover/record.ts';
import { withFailovers } from '../../../src/lvs/failover/topology.ts';
import type { Topology } from '../../../src/lvs/model/topology.ts';
import { clusterOf, CLUSTER, FakeCluster } from '../drain/fake.ts';

const VIP = '192.168.0.38';

/** A pair whose members elect as keepalived does, by the priorities that their records leave. */
export class FakePair extends FakeCluster implements FailoverHands {
  readonly failovers = new Map<string, Map<string, FailoverRecord>>([['lvs1', new Map()], ['lvs2', new Map()]]);
  /** keepalived does not run there. */
  readonly stopped = new Set<string>();
  /** Established connections that a director knows. */
  readonly known = new Map<string, Set<string>>();

  constructor(edit: readonly [string, string] = ['', '']) {
    super(clusterOf(CLUSTER.replace(...edit)));
  }

  lookAtPairs(): Promise<PairsLook> {
    this.onLook();
    this.#elect();
    return Promise.resolve(new Map(['lvs1', 'lvs2'].map((host) => [host, this.gone.has(host) ? undefined : this.#member(host)] as const)));
  }

  connections(_pairs: readonly string[], hosts: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    return Promise.resolve(new Map(hosts.map((host) => [host, this.known.get(host) ?? new Set<string>()])));
  }

  measure(): Promise<Measuring> {
    const seen: Measured = { timelines: [], clients: [], untried: [], arps: [] };
    return Promise.resolve({ died: () => undefined, afterwards: () => Promise.resolve(), end: () => Promise.resolve(seen) });
  }

  override async run(work: RunWork): Promise<RunOutcome> {
    const outcome = await super.run(work);
    if (outcome.code === 0 && 'plays' in work.what) for (const play of work.what.plays) this.#play(play['hosts'] as string, play['tasks'] as unknown as Task[]);
    return outcome;
  }

  override insisting(): FailoverHands {
    const firm = super.insisting();
    const pair: FailoverHands = { ...firm, lookAtPairs: () => this.lookAtPairs(), connections: (pairs, hosts) => this.connections(pairs, hosts), measure: () => this.measure(), insisting: () => pair };
    return pair;
  }

  /** Which director each has a record of: `lvs1 lvs2`. */
  moves(): string[] {
    return [...this.failovers].flatMap(([host, records]) => [...records.values()].map(({ to }) => `${host} ${to}`));
  }

  #play(hosts: string, tasks: readonly Task[]): void {
    for (const host of hosts.split(':')) {
      for (const { lvs_failover: noted, service, reboot } of tasks) {
        for (const pair of noted?.pairs ?? []) {
          if (noted?.state === 'absent') this.failovers.get(host)?.delete(pair);
          else this.failovers.get(host)?.set(pair, { version: 1, pair, to: noted?.to ?? '', by: noted?.by ?? '', reason: noted?.reason ?? '', since: '', until: null });
        }
        if ((service !== undefined || reboot !== undefined) && this.holder === host) this.holder = host === 'lvs1' ? 'lvs2' : 'lvs1';
      }
    }
  }

  #elect(): void {
    const able = ['lvs1', 'lvs2'].filter((host) => !this.stopped.has(host) && !this.gone.has(host));
    const pair = this.topology.pairs.get('edge');
    if (able.length === 0 || (pair?.preempt === false && able.includes(this.holder))) return;
    const priority = (host: string): number => this.#view(host).pairs.get('edge')?.members.find((member) => member.host === host)?.priority ?? 0;
    this.holder = able.toSorted((a, b) => priority(b) - priority(a))[0] ?? this.holder;
  }

  #view(host: string): Topology {
    return withFailovers(this.topology, failoverTargetsOf(this.failovers.get(host)?.values() ?? []));
  }

  #member(host: string): MemberLook {
    const alive = !this.stopped.has(host);
    const holds = alive && host === this.holder;
    const service = this.topology.services.get('web');
    const destinations = (service?.realServers ?? []).map(({ address, port, weight }) => ({ address, port, forward: 'dr' as const, weight, activeConnections: 0, inactiveConnections: 0 }));
    const table = service === undefined ? { services: [] } : { services: [{ protocol: service.protocol, address: service.vip, port: service.port, scheduler: service.scheduler, flags: undefined, persistence: undefined, destinations }] };
    return {
      host,
      alive,
      state: alive ? 'active (running)' : 'inactive (dead)',
      addresses: new Set(holds ? [VIP] : []),
      running: { instances: [{ name: 'edge', state: holds ? 'MASTER' : 'BACKUP', virtualRouterId: 51, interface: 'eth0', priority: 100, advertInterval: 1000, password: undefined, vips: [VIP], excluded: [] }], services: [] },
      table,
      failovers: Object.fromEntries(this.failovers.get(host) ?? []),
      sync: [holds ? 'master' : 'backup'],
      macs: [],
    };
  }
}

interface Task {
  readonly lvs_failover?: { readonly pairs: readonly string[]; readonly to?: string; readonly by?: string; readonly reason?: string; readonly state?: string };
  readonly service?: unknown;
  readonly reboot?: unknown;
}
