import type { Json } from '../../core/json.ts';
import type { GuardFinding, Impact } from '../../impact/types.ts';
import type { Plan } from '../types.ts';

/** The number of the document's shape; a file with another one is refused. */
export const SAVED_PLAN_VERSION = 1;

/**
 * A plan that is carried out later, and only if nothing has changed: a versioned document that survives JSON. It holds no secret: what is shown is
 * masked, and of what may be one there is a salted scrypt hash.
 */
export interface SavedPlan {
  readonly format: 'lvs-play plan';
  readonly version: typeof SAVED_PLAN_VERSION;
  /** As of a run (core/run-id.ts). */
  readonly id: string;
  /** Version of the tool. */
  readonly tool: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly expiresAt: string;
  /** `user@host`. */
  readonly author: string;
  /** Working directory that the paths are seen from. */
  readonly directory: string;
  readonly command: SavedCommand;
  /** Null: the inventory lies in no git repository. */
  readonly revision: Revision | null;
  /** Hexadecimal; of every fingerprint. */
  readonly salt: string;
  readonly inputs: readonly { readonly path: string; readonly print: string }[];
  readonly extraVars: SavedExtraVars;
  readonly questions: readonly SavedQuestion[];
  readonly plan: Plan;
  readonly impact: Impact;
  readonly guards: readonly GuardFinding[];
}

/** The options that decide what a plan is about, and how its hosts are reached. */
export interface SavedCommand {
  readonly playbook: string;
  readonly inventories: readonly string[];
  readonly limit: readonly string[];
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly startAtTask: string | null;
  readonly forks: number;
  readonly user: string | null;
  readonly become: boolean;
  readonly becomeUser: string | null;
  readonly askBecomePass: boolean;
  readonly askPass: boolean;
  readonly privateKey: string | null;
  /** Files that passwords are read from, again when it is carried out. */
  readonly vaultPasswordFiles: readonly string[];
  /** The rules that a guard was told to let pass, and why. */
  readonly allow: readonly string[];
  readonly reason: string | null;
}

/** `-e`: files are read again; what stood on the command line is not kept and has to be given again. */
export interface SavedExtraVars {
  /** `@file`. */
  readonly files: readonly string[];
  readonly given: readonly { readonly name: string; readonly print: string }[];
  /** Of all of them together. */
  readonly print: string;
}

export interface Revision {
  readonly commit: string;
  /** Something in the inventory's folder was not committed. */
  readonly dirty: boolean;
}

/** What a host said to one question. */
export interface SavedQuestion {
  readonly host: string;
  readonly user: string;
  readonly become: boolean;
  readonly fact: string;
  readonly key: string;
  readonly aspects: readonly SavedAspect[];
}

export interface SavedAspect {
  /** In an operator's words: `sysctl net.ipv4.ip_forward`. */
  readonly about: string;
  readonly print: string;
  /** Only short ones that are no secret. */
  readonly value?: Json;
}
