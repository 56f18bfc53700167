import type { DrainWeight } from '../lvs/drain/record.ts';
import type { PersistenceChoice } from '../drain/progress.ts';

/** How far a host is; `drained`: it is out of service, whatever its kind. `left`: it could not be given back. */
export type HostStage = 'waiting' | 'draining' | 'drained' | 'worked' | 'rebooted' | 'restored' | 'left';

/** Real servers are drained; directors give their virtual IPs away. */
export type MaintainedKind = 'real-servers' | 'directors';

/** What a maintenance is to do. */
export interface MaintenanceOrder {
  /** What its hosts are. Absent in what older versions have kept: real servers. */
  readonly kind?: MaintainedKind;
  /** Taken one after the other; the hosts of one together. */
  readonly batches: readonly (readonly string[])[];
  /** Whole path of what is carried out on drained hosts; null: nothing. */
  readonly playbook: string | null;
  readonly reboot: boolean;
  readonly by: string;
  readonly reason: string;
  /** Seconds; see DrainOrder. */
  readonly timeout: number;
  readonly onTimeout: 'abort' | 'force' | 'continue';
  readonly persistence: PersistenceChoice | null;
  readonly ramp: readonly DrainWeight[];
  readonly hold: number;
  readonly allow: readonly string[];
  /** 0-1; see DrainWish. */
  readonly removedShare: number;
}

/** A maintenance as the journal keeps it, so that it can be gone on with. A versioned document. */
export interface Maintenance {
  readonly version: 1;
  readonly order: MaintenanceOrder;
  readonly hosts: Readonly<Record<string, HostStage>>;
}

/** Pure. */
export function begin(order: MaintenanceOrder): Maintenance {
  return { version: 1, order, hosts: Object.fromEntries(order.batches.flat().map((host) => [host, 'waiting'])) };
}

/** Pure. */
export function withStage(maintenance: Maintenance, hosts: readonly string[], stage: HostStage): Maintenance {
  return { ...maintenance, hosts: { ...maintenance.hosts, ...Object.fromEntries(hosts.map((host) => [host, stage])) } };
}

/** What is left to do, as batches. Pure. */
export function openBatches({ order, hosts }: Maintenance): string[][] {
  return order.batches.map((batch) => batch.filter((host) => hosts[host] !== 'restored')).filter((batch) => batch.length > 0);
}

/**
 * Where a batch goes on: at what its slowest host has not had yet. Nothing is left out for one as another has had it; what is done twice does no harm, and a host that is `left`
 * has had its work, but not well: it is done again. Pure.
 */
export function nextStage({ hosts }: Maintenance, batch: readonly string[]): 'drain' | 'work' | 'reboot' | 'restore' {
  const stages = batch.map((host) => hosts[host] ?? 'waiting');
  if (stages.some((stage) => stage === 'waiting' || stage === 'draining')) return 'drain';
  if (stages.some((stage) => stage === 'drained' || stage === 'left')) return 'work';
  return stages.includes('worked') ? 'reboot' : 'restore';
}

/** `rs1, rs2: restored; rs3: waiting`. Pure. */
export function stageWords({ hosts }: Maintenance): string {
  const stages = [...new Set(Object.values(hosts))];
  return stages.map((stage) => `${Object.keys(hosts).filter((host) => hosts[host] === stage).join(', ')}: ${stage === 'left' ? 'still out' : stage}`).join('; ');
}
