import type { FromSchema, JSONSchema } from 'json-schema-to-ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { FactPatch, FactReader, FactRequest, StaleFacts } from '../facts/contract.ts';
import type { Topology } from '../lvs/model/topology.ts';

/** One difference between what is and what shall be. `path` is stable and names the thing: `/etc/x mode`, `nginx.service state`. */
export interface Change {
  readonly path: string;
  /** null: it does not exist yet. */
  readonly before: Json;
  /** null: it will not exist any more. */
  readonly after: Json;
  /** Values are never shown; a diff says only that they differ. */
  readonly sensitive?: boolean;
  /** Whole texts before and after, for a unified diff; `before` and `after` then hold checksums. */
  readonly text?: { readonly before: string; readonly after: string };
  /** The cost in words an operator weighs: `reloads keepalived`, `removes rs2: 12 active connections`. */
  readonly impact?: string;
  /** A means to the others that passes with time (lists of packages): a saved plan neither requires nor forbids it. */
  readonly upkeep?: true;
}

/**
 * One thing done on the target, in order. A step that fails stops the task. `title` is for people: what is being done.
 * `stale` names the facts that the step makes doubtful. `undo` brings the old state back, where that is possible.
 */
export type Step = ExecStep | ScriptStep | PutStep | WaitStep | RebootStep | ControlStep;

interface StepBase {
  readonly title: string;
  readonly stale: readonly StaleFacts[];
  readonly undo?: readonly Step[];
  /** It puts a pair's new configuration into force (see `PairActivation`); all other steps only prepare that. */
  readonly activates?: true;
}

/** Runs an argv. */
export interface ExecStep extends StepBase {
  readonly kind: 'exec';
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** Exit codes that are no failure. Default [0]. */
  readonly okCodes?: readonly number[];
  readonly timeoutMs?: number;
  /**
   * It must not be cut short when the controller dies (a package manager): its output goes to a file on the target, and
   * it ignores SIGHUP and SIGPIPE.
   */
  readonly uninterruptible?: boolean;
}

/** Runs a POSIX sh script whose every outside value went through core/text/quote.ts. */
export interface ScriptStep extends StepBase {
  readonly kind: 'script';
  readonly script: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly okCodes?: readonly number[];
  readonly timeoutMs?: number;
}

/** Writes a file whole: beside its target, checked, synced, renamed. Never half a file. */
export interface PutStep extends StepBase {
  readonly kind: 'put';
  readonly path: string;
  readonly content: Uint8Array;
  /** Four octal digits. Undefined: the existing file's, else 0644. */
  readonly mode?: string | undefined;
  readonly owner?: string | undefined;
  readonly group?: string | undefined;
  /** Run before the rename, with `{}` replaced by the temporary file's path; any exit code but 0 refuses the file. */
  readonly check?: readonly string[];
}

/** Waits until something on the host is free (a package manager's lock), and says what it waits for. */
export interface WaitStep extends StepBase {
  readonly kind: 'wait';
  /** A POSIX sh script that prints who holds it, in a few words; nothing when it is free. */
  readonly script: string;
  /** How often it looks, two seconds apart, before the step fails. */
  readonly looks: number;
}

/** Restarts the machine and waits until it is up again. Its connection goes and comes back. */
export interface RebootStep extends StepBase {
  readonly kind: 'reboot';
  /** The boot that is to end, as `/proc/sys/kernel/random/boot_id` names it. */
  readonly bootId: string;
  /** Told to those who are logged in. */
  readonly message: string;
  /** From the request to restart until it is up. */
  readonly timeoutMs: number;
}

/** Done by the controller itself, on behalf of a host (only for `localhost`): no target is involved. */
export interface ControlStep extends StepBase {
  readonly kind: 'control';
  run(signal: AbortSignal): Promise<StepOutcome>;
}

/** A change of what the members of HA pairs run, which they must make in an order, or at the same moment. */
export interface PairActivation {
  /** Names of the pairs that the host is a member of. */
  readonly pairs: readonly string[];
  /** The text of keepalived.conf before and after. May hold a password. */
  readonly before: string;
  readonly after: string;
  /** Writes any text in its place, checked by keepalived where that can be. */
  write(text: string): Step;
  /** Puts the file that is there now back, as it is: content, mode and owner. */
  readonly putBack: readonly Step[];
  /** Seconds that connections to a real server which leaves a service are waited for. */
  readonly drainSeconds: number;
}

/** A restart of keepalived or of the whole host on a member of HA pairs: their virtual IPs go elsewhere meanwhile, so that members do it one after the other. */
export interface PairRestart {
  /** Names of the pairs that the host is a member of. */
  readonly pairs: readonly string[];
  /** Why, in words: `keepalived is upgraded`. */
  readonly restarts: string;
}

export type PairWork = PairActivation | PairRestart;

/** What a step gave back. */
export interface StepOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Anything structured (an HTTP reply's status, for example). */
  readonly data?: JsonObject;
}

/** What a module may know beside its arguments. All of it is data; nothing here reaches a machine. */
export interface ModuleContext {
  readonly host: string;
  /** Undefined when the inventory has no `lvs` variable. */
  readonly topology: Topology | undefined;
  /** The task's host is the controller (`hosts: localhost` or `delegate_to: localhost`). */
  readonly onController: boolean;
  /** Distribution family decides apt or dnf; from the inventory variable `lvs_play_os_family`, default debian. */
  readonly osFamily: 'debian' | 'redhat';
}

/** Files and templates on the controller, for `copy` and `template`. */
export interface ControllerFiles {
  /** Looks beside the role (`files/` or `templates/`), then beside the playbook. @throws LvsPlayError `no-such-file` with the places tried */
  read(name: string, kind: 'files' | 'templates'): Promise<{ path: string; content: Uint8Array }>;
  /** Renders with the task's variables; errors carry the template's file and line. */
  render(text: string, file: string): string;
}

export interface ModuleDef<A = Json, R = A> {
  readonly name: string;
  readonly summary: string;
  /** JSON schema of the arguments, `as const`. Every property has a `description`. */
  readonly schema: JSONSchema;
  /** Keys of the schema that do not describe state on the host (time-outs, `src`, ...); the law tests want every other key diffed. */
  readonly notState: readonly string[];
  /** The argument a free-form task gives (`shell: echo hi`); undefined when the module takes none. */
  readonly freeForm?: string;
  readonly examples: readonly { readonly name: string; readonly args: A }[];
  /** Arguments that hold bare Jinja expressions (`assert: that`): the engine replaces each by `{ expression, result }`. */
  readonly expressions?: readonly string[];
  /** The data of its result become variables of the host (`set_fact`). Its `result` must not need outcomes. */
  readonly setsVars?: boolean;
  /** An action has no state to compare (`command`): it runs whenever its task does. Default false. */
  readonly action?: boolean;
  /** Of an action: its arguments say when its work is done (`creates`), so that it does not run where `diff` finds no change. */
  guarded?(args: R): boolean;
  /** Brings what lies on the controller into the arguments (content of `src`). Default: the arguments as they are. */
  resolve?(args: A, files: ControllerFiles): Promise<R>;
  /** Which facts the diff needs. Pure. @throws LvsPlayError kind `input` when the arguments contradict each other or the topology */
  facts(args: R, context: ModuleContext): readonly FactRequest[];
  /** Empty: nothing to do. Pure, the same code in a dry run and in a deploy. */
  diff(args: R, facts: FactReader, context: ModuleContext): readonly Change[];
  /** The steps that make `changes` true. Pure. */
  apply(args: R, changes: readonly Change[], facts: FactReader, context: ModuleContext): readonly Step[];
  /** The answers expected after the steps. Pure. Law: diff on patched facts is empty, but for actions. */
  after(args: R, changes: readonly Change[], facts: FactReader, context: ModuleContext): readonly FactPatch[];
  /** What of the changes puts HA pairs at risk; undefined: nothing does. Its steps say which of them `activates`. Pure. */
  pair?(args: R, changes: readonly Change[], facts: FactReader, context: ModuleContext): PairWork | undefined;
  /** What `register` gets beside `changed`, and a failure that exit codes do not show (a `uri` status). Pure. */
  result?(args: R, outcomes: readonly StepOutcome[]): { readonly data: JsonObject; readonly failed?: string };
}

/** With the schema `as const`, arguments are typed from it: `defineModule<Args<typeof schema>>({...})`. */
export type Args<S extends JSONSchema> = FromSchema<S>;

export function defineModule<A, R = A>(definition: ModuleDef<A, R>): ModuleDef<A, R> {
  return definition;
}
