import type { Command} from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { parseDuration, parseMilliseconds } from '../../core/text/duration.ts';
import { LvsPlayError } from '../../core/errors.ts';
import { suggest } from '../../core/text/suggest.ts';
import { GUARD_RULES } from '../../impact/types.ts';

/** The options that several commands share, parsed. Ansible's names and meanings. */
export interface CommonOptions {
  readonly inventories: readonly string[];
  readonly limit: readonly string[];
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly extraVars: readonly string[];
  readonly forks: number;
  readonly user: string | undefined;
  readonly become: boolean;
  readonly becomeUser: string | undefined;
  readonly askBecomePass: boolean;
  readonly askPass: boolean;
  readonly privateKey: string | undefined;
  readonly vaultPasswordFiles: readonly string[];
  /** How often -v was given. */
  readonly verbose: number;
  readonly check: boolean;
  readonly diff: boolean;
  readonly listHosts: boolean;
  readonly listTasks: boolean;
  readonly syntaxCheck: boolean;
  readonly startAtTask: string | undefined;
  readonly json: boolean;
  /** A file, or `-` for stdout. */
  readonly events: string | undefined;
  readonly stats: boolean;
  readonly detailedExitcode: boolean;
  /** Why: for locks, the journal and those who read them. */
  readonly reason: string | undefined;
  /** As it was written. */
  readonly window: string | undefined;
  /** Guards that may be overruled. */
  readonly allow: readonly string[];
  /** Seconds; undefined: no dead man's switch. */
  readonly confirmWithin: number | undefined;
  readonly confirmByHand: boolean;
}

const DEFAULT_FORKS = 10;

export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

function collectCommas(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...value.split(',').map((part) => part.trim()).filter((part) => part !== '')];
}

function positiveInteger(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return number;
}

export function seconds(value: string): number {
  const number = parseDuration(value);
  if (number === undefined) throw new InvalidArgumentError('It must be a time such as 90s, 5m or 1h.');
  return number;
}

export function milliseconds(value: string): number {
  const number = parseMilliseconds(value);
  if (number === undefined) throw new InvalidArgumentError('It must be a time such as 20ms, 500ms or 2s.');
  return number;
}

/** Which inventory. */
export function withInventory(command: Command): Command {
  return command
    .option('-i, --inventory <path>', 'inventory file or folder; may be given again (or LVS_PLAY_INVENTORY)', collect)
    .option('-e, --extra-vars <vars>', 'name=value, a JSON mapping, or @FILE; above every other variable', collect)
    .option('--vault-password-file <file>', 'holds the password of vaulted variables; may be given again', collect);
}

/** How to reach the hosts. */
export function withConnection(command: Command): Command {
  return withLogin(
    command
      .option('-l, --limit <pattern>', 'only these hosts', collect)
      .option('-f, --forks <number>', 'hosts worked on at the same time', positiveInteger, DEFAULT_FORKS)
      .option('-u, --user <user>', 'log in as this user')
      .option('-b, --become', 'become root by sudo')
      .option('--become-user <user>', 'become this user'),
  );
}

/** What opens the way to the hosts. */
export function withLogin(command: Command): Command {
  return command
    .option('--private-key <file>', 'log in with this key')
    .option('-k, --ask-pass', 'ask for the password of the login')
    .option('-K, --ask-become-pass', 'ask for the password of sudo')
    .option('-v, --verbose', 'say more; -vvv also where an internal error came from', (_value: string, before: number) => before + 1, 0);
}

/** What every command has that changes hosts, or plans to. */
export function withChange(command: Command): Command {
  return command
    .option('--reason <text>', 'why; shown to whoever meets the lock, and kept in the journal')
    .option('--window <window>', 'refuse to start outside of it: "Sat 02:00-04:00 Europe/Berlin"')
    .option('--allow <rule>', `let a guard pass, with --reason: ${GUARD_RULES.join(', ')}; may be given again`, collect)
    .option('--confirm-within <time>', 'each host restores its state by itself after this time, unless the outcome was verified from outside: 90s, 5m, 1h', seconds)
    .option('--confirm-by-hand', 'a good run too waits for lvs-play confirm RUN')
    .option('--json', 'print one JSON document on stdout')
    .addOption(new Option('--events <file>', 'write every event as a line of JSON; - for stdout').conflicts('json'))
    .option('--stats', 'print connections, requests and bytes of each host');
}

/** @param rules those that the command knows. @throws LvsPlayError kind `usage` for a rule that is none, or one without a reason */
export function requireReason({ allow, reason }: Pick<CommonOptions, 'allow' | 'reason'>, rules: readonly string[] = GUARD_RULES): void {
  for (const rule of allow) {
    if (rules.includes(rule)) continue;
    const meant = suggest(rule, rules);
    throw new LvsPlayError({ code: 'unknown-rule', kind: 'usage', message: `--allow ${rule}: there is no such guard`, hint: meant === undefined ? `the guards are ${rules.join(', ')}` : `did you mean ${meant}?` });
  }
  if (allow.length === 0 || (reason ?? '').trim() !== '') return;
  throw new LvsPlayError({ code: 'no-reason', kind: 'usage', message: '--allow needs --reason TEXT: it is kept in the journal', hint: 'add --reason "what this is for"' });
}

/** What `deploy` and `plan` have in common. */
export function withPlaybook(command: Command): Command {
  return withChange(withConnection(withInventory(command.argument('<playbook>', 'playbook file'))))
    .option('-t, --tags <tags>', 'only tasks with these tags', collectCommas)
    .option('--skip-tags <tags>', 'leave out tasks with these tags', collectCommas)
    .option('--start-at-task <name>', 'begin with the task of this name')
    .option('--list-hosts', 'list the hosts of each play, and do nothing else')
    .option('--list-tasks', 'list the tasks that would run, and do nothing else')
    .option('--syntax-check', 'read the playbook, and do nothing else')
    .option('--detailed-exitcode', 'of a plan: 0 nothing to change, 1 error, 2 changes');
}

/** As commander hands them over; every key is one of the options above. */
export interface RawOptions {
  readonly inventory?: readonly string[];
  readonly limit?: readonly string[];
  readonly tags?: readonly string[];
  readonly skipTags?: readonly string[];
  readonly extraVars?: readonly string[];
  readonly forks?: number;
  readonly user?: string;
  readonly become?: true;
  readonly becomeUser?: string;
  readonly askBecomePass?: true;
  readonly askPass?: true;
  readonly privateKey?: string;
  readonly vaultPasswordFile?: readonly string[];
  readonly verbose?: number;
  readonly check?: true;
  readonly diff?: true;
  readonly listHosts?: true;
  readonly listTasks?: true;
  readonly syntaxCheck?: true;
  readonly startAtTask?: string;
  readonly json?: true;
  readonly events?: string;
  readonly stats?: true;
  readonly detailedExitcode?: true;
  readonly reason?: string;
  readonly window?: string;
  readonly allow?: readonly string[];
  readonly confirmWithin?: number;
  readonly confirmByHand?: true;
}

/** @param env the process's environment, for LVS_PLAY_INVENTORY (several with commas between) */
export function commonOptions(raw: RawOptions, env: Readonly<Record<string, string | undefined>>): CommonOptions {
  return {
    inventories: raw.inventory ?? inventoriesOf(env),
    limit: raw.limit ?? [],
    tags: raw.tags ?? [],
    skipTags: raw.skipTags ?? [],
    extraVars: raw.extraVars ?? [],
    forks: raw.forks ?? DEFAULT_FORKS,
    user: raw.user,
    become: raw.become ?? false,
    becomeUser: raw.becomeUser,
    askBecomePass: raw.askBecomePass ?? false,
    askPass: raw.askPass ?? false,
    privateKey: raw.privateKey,
    vaultPasswordFiles: raw.vaultPasswordFile ?? [],
    verbose: raw.verbose ?? 0,
    check: raw.check ?? false,
    diff: raw.diff ?? false,
    listHosts: raw.listHosts ?? false,
    listTasks: raw.listTasks ?? false,
    syntaxCheck: raw.syntaxCheck ?? false,
    startAtTask: raw.startAtTask,
    json: raw.json ?? false,
    events: raw.events,
    stats: raw.stats ?? false,
    detailedExitcode: raw.detailedExitcode ?? false,
    reason: raw.reason,
    window: raw.window,
    allow: raw.allow ?? [],
    ...confirmation(raw),
  };
}

/** @throws LvsPlayError kind `usage`: without a time there is nothing to confirm */
function confirmation(raw: RawOptions): Pick<CommonOptions, 'confirmWithin' | 'confirmByHand'> {
  if (raw.confirmByHand !== true || raw.confirmWithin !== undefined) return { confirmWithin: raw.confirmWithin, confirmByHand: raw.confirmByHand ?? false };
  throw new LvsPlayError({ code: 'confirm-without-time', kind: 'usage', message: '--confirm-by-hand needs --confirm-within', hint: 'add --confirm-within 10m' });
}

function inventoriesOf(env: Readonly<Record<string, string | undefined>>): string[] {
  return (env['LVS_PLAY_INVENTORY'] ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '');
}

/** @throws LvsPlayError kind `usage` when there is none: a default could touch the wrong machines */
export function requireInventory(options: Pick<CommonOptions, 'inventories'>): void {
  if (options.inventories.length > 0) return;
  throw new LvsPlayError({ code: 'no-inventory', kind: 'usage', message: 'no inventory: -i is missing', hint: 'add -i inventories/NAME/hosts.yml, or set LVS_PLAY_INVENTORY' });
}
