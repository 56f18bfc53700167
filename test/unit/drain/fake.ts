import type { DrainHands, RunOutcome, RunWork } from '../../../src/drain/hands.ts';
import type { Plays } from '../../../src/drain/plays.ts';
import { LvsPlayError } from '../../../src/core/errors.ts';
import type { ClusterLook, DirectorLook } from '../../../src/drain/cluster.ts';
import type { Observation } from '../../../src/observe/observation.ts';
import { refused, seen } from '../observe/support.ts';
import { type DrainRecord, weightUnder } from '../../../src/lvs/drain/record.ts';
import type { LocalSockets } from '../../../src/lvs/drain/sockets.ts';
import { type KeepalivedVersion, keepalivedVersion } from '../../../src/lvs/keepalived/version.ts';
import type { Topology } from '../../../src/lvs/model/topology.ts';
import { HOSTS, topologyOf } from '../lvs/support.ts';

/** Three real servers behind a pair. */
export const CLUSTER = `ha_pairs:
  edge:
    members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }
    interface: eth0
    virtual_router_id: 51
    vips: [192.168.0.38]
virtual_services:
  web:
    on: edge
    address: 192.168.0.38:80
    mode: dr
    scheduler: wrr
    real_servers:
      rs1: { weight: 8 }
      rs2: { weight: 8 }
      rs3: { weight: 8 }
`;

const WITH_THIRD = new Map([...HOSTS, ['rs3', { host: 'rs3', address: '192.168.0.29' }]]);

export function clusterOf(text = CLUSTER): Topology {
  return topologyOf(text, WITH_THIRD);
}

/** What a machine of hands does to it, in order. */
export class FakeCluster implements DrainHands {
  readonly topology: Topology;
  readonly records = new Map<string, Map<string, DrainRecord>>([['lvs1', new Map()], ['lvs2', new Map()]]);
  readonly said: string[] = [];
  readonly lines: string[] = [];
  /** Connections that clients have on each real server. */
  readonly open = new Map<string, number>();
  readonly templates = new Map<string, number>();
  /** Taken out by a health check; and hosts that cannot be reached. */
  readonly failed = new Set<string>();
  readonly gone = new Set<string>();
  /** Reached, and what they say is no answer. */
  readonly broken = new Map<string, LvsPlayError>();
  /** Their service does not run. */
  readonly silent = new Set<string>();
  holder = 'lvs1';
  keepalived = '2.2.7';
  sysctls = { connReuseMode: 3, expireNodestConn: 0, expireQuiescentTemplate: 1 };
  pending: string[] = [];
  needs: string[] = [];
  directly: string | undefined;
  time = 0;
  abort = new AbortController();
  /** Told before each run and each look. */
  onRun: (work: RunWork) => Partial<RunOutcome> | undefined = () => undefined;
  onLook: () => void = () => undefined;

  constructor(topology = clusterOf()) {
    this.topology = topology;
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  look(hosts: readonly string[]): Promise<ClusterLook> {
    this.onLook();
    const directors = ['lvs1', 'lvs2'].map((host) => [host, this.gone.has(host) ? undefined : (this.broken.get(host) ?? this.#director(host))] as const);
    const servers = hosts.map((host) => [host, this.gone.has(host) ? undefined : (this.broken.get(host) ?? this.#sockets(host))] as const);
    return Promise.resolve({ at: this.time, directors: seen(Object.fromEntries(directors)), servers: seen(Object.fromEntries(servers)) });
  }

  versions(): Promise<Observation<KeepalivedVersion | undefined>> {
    const entries = ['lvs1', 'lvs2'].map((host) => [host, this.gone.has(host) ? undefined : (this.broken.get(host) ?? keepalivedVersion(this.keepalived) ?? { major: 0, minor: 0, patch: 0 })] as const);
    return Promise.resolve(seen(Object.fromEntries(entries)));
  }

  weight(director: string, server: string): number | undefined {
    if (this.failed.has(server)) return undefined;
    const configured = this.topology.services.get('web')?.realServers.find(({ host }) => host === server)?.weight ?? 0;
    const record = this.records.get(director)?.get(server);
    return record === undefined ? configured : weightUnder(record.weight, configured);
  }

  /** Who is drained where: `lvs1 rs1 0`. */
  notes(): string[] {
    return [...this.records].flatMap(([director, records]) => [...records].map(([host, { weight }]) => `${director} ${host} ${weight}`));
  }

  async run(work: RunWork): Promise<RunOutcome> {
    this.lines.push(work.line);
    const special = this.onRun(work);
    if (this.signal.aborted) return { id: 'run', code: 130, errors: [], bad: [] };
    if ('plays' in work.what && special?.code === undefined) {
      const lost = this.#lostIn(work.what.plays);
      // A play stops for a host that is not there, before anything is done.
      if (lost.length > 0) return { id: 'run', code: 4, errors: [], bad: lost, missing: lost.map((host) => ({ host, kind: 'unreachable', error: refused(host) })) };
      for (const play of work.what.plays) {
        const [task] = play['tasks'] as { lvs_drain?: Partial<DrainRecord> & { servers: string[]; state?: string } }[];
        for (const director of (play['hosts'] as string).split(':')) for (const server of task?.lvs_drain?.servers ?? []) this.#note(director, server, task?.lvs_drain ?? {});
      }
    }
    return Promise.resolve({ id: 'run', code: 0, errors: [], bad: [], ...special });
  }

  plan(plays: Plays): Promise<readonly string[]> {
    return Promise.resolve(JSON.stringify(plays[0]?.['hosts'] ?? '').includes('lvs') ? this.pending : this.needs);
  }

  checkDirectly(): Promise<string | undefined> {
    return Promise.resolve(this.directly);
  }

  say(_level: 'info' | 'warning', text: string): void {
    this.said.push(text);
  }

  progress(): void {
    // Nobody looks.
  }

  now(): number {
    return this.time;
  }

  sleep(milliseconds: number): Promise<void> {
    this.time += milliseconds;
    if (this.time > 10_000_000) throw new Error('it does not end');
    return Promise.resolve();
  }

  insisting(): DrainHands {
    const firm: DrainHands = {
      topology: this.topology,
      look: (hosts) => this.look(hosts),
      versions: () => this.versions(),
      run: (work) => this.#insist(work),
      plan: (plays) => this.plan(plays),
      checkDirectly: () => this.checkDirectly(),
      say: (level, text) => { this.say(level, text); },
      progress: () => undefined,
      now: () => this.time,
      sleep: (milliseconds) => this.sleep(milliseconds),
      signal: new AbortController().signal,
      insisting: () => firm,
    };
    return firm;
  }

  #lostIn(plays: Plays): string[] {
    return plays.flatMap((play) => (play['hosts'] as string).split(':')).filter((host) => this.gone.has(host));
  }

  async #insist(work: RunWork): Promise<RunOutcome> {
    const { abort } = this;
    this.abort = new AbortController();
    try {
      return await this.run(work);
    } finally {
      this.abort = abort;
    }
  }

  #note(director: string, host: string, { weight = '0', by = '', reason = '', since = '', until = null, state }: Partial<DrainRecord> & { state?: string }): void {
    const records = this.records.get(director);
    if (state === 'absent') records?.delete(host);
    else records?.set(host, { version: 1, host, weight, by, reason, since, until, run: null });
  }

  #director(host: string): DirectorLook {
    const service = this.topology.services.get('web');
    if (service === undefined) throw new LvsPlayError({ code: 'x', kind: 'internal', message: 'no web' });
    const destinations = service.realServers.flatMap((server) => {
      const weight = this.weight(host, server.host);
      return weight === undefined ? [] : [{ address: server.address, port: server.port, forward: service.mode, weight, activeConnections: host === this.holder ? (this.open.get(server.host) ?? 0) : 0, inactiveConnections: 0 }];
    });
    return {
      host,
      table: { services: [{ protocol: service.protocol, address: service.vip, port: service.port, scheduler: service.scheduler, flags: undefined, persistence: undefined, destinations }] },
      templates: service.realServers.map(({ host: name, address }) => ({ server: address, count: host === this.holder ? (this.templates.get(name) ?? 0) : 0 })),
      holds: new Set(host === this.holder ? ['192.168.0.38'] : []),
      drains: this.records.get(host) ?? new Map(),
      ...this.sysctls,
    };
  }

  #sockets(host: string): LocalSockets[] {
    const count = this.open.get(host) ?? 0;
    return this.silent.has(host) ? [] : [
      { address: '0.0.0.0', port: 80, listening: true, open: 0, peers: [] },
      { address: '192.168.0.38', port: 80, listening: false, open: count, peers: Array.from({ length: Math.min(count, 3) }, (_, index) => `10.0.0.${String(index)}:40000`) },
    ];
  }
}
