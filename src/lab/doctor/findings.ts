import type { Place } from '../kernel/place.ts';
import type { RegisterState } from '../kernel/register-state.ts';

/** What came of trying something really: undefined when it worked, else what was said. */
export type Tried = { readonly failed: string | undefined };

/** Whether an archive that the nodes' image is made from can be read. */
export interface AptFinding {
  /** `http://deb.debian.org/debian bookworm` */
  readonly source: string;
  /** What apt said; undefined: it was read. */
  readonly failed: string | undefined;
}

/** What the trial boot of the lab's kernel wrote to its console. */
export interface TrialFinding {
  readonly console: string;
  /** Whether it ended; else it was killed after its time. */
  readonly ended: boolean;
  /** Why it could not be started at all, and what to do; then the console is empty. */
  readonly notStarted?: { readonly what: string; readonly fix: string } | undefined;
}

/** What was found out about this machine; what was not tried is undefined. */
export interface Findings {
  /** As `process.arch` calls it. */
  readonly architecture: string;
  readonly root: boolean;
  /** Effective capability bits of /proc/self/status. */
  readonly capabilities: bigint;
  /** Making a network, mount and process namespace. */
  readonly namespaces: Tried | undefined;
  /** Making a tap in one, and a bridge. */
  readonly tap: Tried | undefined;
  readonly bridge: Tried | undefined;
  /** Programs and files of packages.json that are not there. */
  readonly missing: readonly string[];
  readonly registers: RegisterState;
  /** tcc or cc; undefined: none. */
  readonly compiler: string | undefined;
  readonly trial: TrialFinding | undefined;
  readonly shm: Place | undefined;
  /** Where labs lie, disks included. */
  readonly state: Place | undefined;
  /** Where images lie. */
  readonly cache: Place | undefined;
  /** Whether an image is there already. */
  readonly imageBuilt: boolean;
  /** Bytes that processes may still have: of this machine with its swap, or of the container's limit. */
  readonly memory: number;
  readonly apt: readonly AptFinding[] | undefined;
}

/** What is asked of the machine. */
export interface Wanted {
  readonly nodes: number;
  /** Bytes, of all nodes together. */
  readonly memory: number;
}
