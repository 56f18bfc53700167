import type { LvsPlayError } from '../core/errors.ts';
import type { ClusterLook } from './cluster.ts';
import type { KeepalivedVersion } from '../lvs/keepalived/version.ts';
import type { Topology } from '../lvs/model/topology.ts';
import type { Missing, Observation } from '../observe/observation.ts';
import type { Plays } from './plays.ts';

/** What a drain, a restore or a maintenance does things with; the command line gives it. Times are milliseconds. */
export interface DrainHands {
  readonly topology: Topology;
  /** See drain/look.ts. */
  look(hosts: readonly string[]): Promise<ClusterLook>;
  /** Of keepalived, on the directors that balance to these hosts with it; undefined: it is not there as a package. */
  versions(hosts: readonly string[]): Promise<Observation<KeepalivedVersion | undefined>>;
  /** Carries plays out, as a deploy does: guarded, locked, journaled. Never throws what the run itself met. */
  run(work: RunWork): Promise<RunOutcome>;
  /** What plays would change: `lvs1 /etc/keepalived/keepalived.conf`. @throws HostsMissing when a host gives no answer */
  plan(plays: Plays): Promise<readonly string[]>;
  /** A client's request, made from here, past the virtual IP: why the server does not pass its health check; undefined: it does, or that cannot be judged from here. */
  checkDirectly(host: string): Promise<string | undefined>;
  /** A line for the operator. */
  say(level: 'info' | 'warning', text: string): void;
  /** How far it is, for a line that may be written over. */
  progress(text: string): void;
  now(): number;
  /** Ends early when the signal fires. */
  sleep(milliseconds: number): Promise<void>;
  /** The operator wants it to end. */
  readonly signal: AbortSignal;
  /** The same for what must be done also when the operator wants it to end: it puts back. */
  insisting(): DrainHands;
}

export interface RunWork {
  /** As the journal names it: `drain rs1`. */
  readonly line: string;
  /** Made here; or a file of the operator's, on these hosts alone. */
  readonly what: { readonly plays: Plays } | { readonly playbook: string; readonly limit: readonly string[] };
  /** Guards that may be overruled. */
  readonly allow: readonly string[];
}

export interface RunOutcome {
  /** Undefined: nothing was begun. */
  readonly id: string | undefined;
  /** Exit code that the run alone would end with; 0: all is done. */
  readonly code: number;
  /** What went wrong beside tasks that were told of already. */
  readonly errors: readonly LvsPlayError[];
  /** Hosts that failed or could not be reached. */
  readonly bad: readonly string[];
  /** Those of them that gave no answer. */
  readonly missing?: readonly Missing[];
}
