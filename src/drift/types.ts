import type { ChangeView } from '../core/events.ts';

/**
 * Where a difference lies. disk: files, packages, units and kernel parameters; running: what keepalived works with while its file says something else; kernel: IPVS,
 * addresses, routes, firewall rules, modules. The layer above them, what is desired, is that of `DesiredState`.
 */
export type DriftLayer = 'disk' | 'running' | 'kernel';

/** One difference between what is and what the playbook wants. */
export interface DriftItem {
  readonly host: string;
  readonly layer: DriftLayer;
  /** As in a plan; `before` is what is, `after` what should be. */
  readonly change: ChangeView;
  readonly task: string;
  readonly module: string;
  /** It follows from another difference, as the plan expects that to be repaired. */
  readonly predicted: boolean;
  readonly since: Since;
}

/** What is known of when it came about. */
export interface Since {
  /** When the file or its attributes were last changed (ctime), ISO; undefined: no file, or nobody knows. */
  readonly changed: string | undefined;
  /** The last run of the journal that set it: it came about later. Undefined: the journal knows none. */
  readonly run: RunMark | undefined;
}

export interface RunMark {
  readonly id: string;
  /** ISO. */
  readonly at: string;
  readonly owner: string;
}

/** The first layer: whether inventory and playbook are still those of the last run that ended well. */
export interface DesiredState {
  /** Undefined: the journal knows none. */
  readonly run: RunMark | undefined;
  /** Files that changed, came or went since: what follows from them was not deployed yet, and is no drift of a host. */
  readonly changed: readonly string[];
}

export interface DriftReport {
  readonly playbook: string;
  readonly inventory: string;
  readonly hosts: readonly string[];
  readonly desired: DesiredState;
  readonly items: readonly DriftItem[];
  /** What could not be compared on hosts that answered. */
  readonly notCompared: readonly { readonly host: string; readonly what: string }[];
  readonly unreachable: Readonly<Record<string, string>>;
  readonly failed: Readonly<Record<string, string>>;
}

/** Hosts that were not compared, or not in whole: of them it cannot be said that they have no drift. Pure. */
export function unknownHosts({ hosts, notCompared, unreachable, failed }: DriftReport): string[] {
  return hosts.filter((host) => host in unreachable || host in failed || notCompared.some((one) => one.host === host));
}
