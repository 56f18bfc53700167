import { suggest } from '../../core/text/suggest.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Located } from '../../core/located.ts';
import { parseFreeForm } from './free-form.ts';
import { failKeyword, type KeywordSet } from '../keywords.ts';
import type { Node } from '../node.ts';
import type { KnownModules } from './state.ts';

/** Actions that bring in other tasks. */
const INCLUDES: ReadonlySet<string> = new Set(['import_tasks', 'include_tasks', 'import_role', 'include_role']);

/** Modules of Ansible's that have a counterpart here under another name or with other arguments. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['apt', 'use `package` (name, state, update_cache)'],
  ['yum', 'use `package` (name, state)'],
  ['dnf', 'use `package` (name, state)'],
  ['apk', 'use `package` (name, state)'],
  ['systemd', 'use `service` (name, state, enabled)'],
  ['systemd_service', 'use `service` (name, state, enabled)'],
  ['modprobe', 'use `kernel_module` (name, state, persistent)'],
  ['lineinfile', 'write the whole file with `template` or `copy`'],
  ['blockinfile', 'write the whole file with `template` or `copy`'],
  ['replace', 'write the whole file with `template` or `copy`'],
  ['raw', 'use `shell`: nothing but a POSIX shell is needed on the host'],
  ['script', 'use `copy` and `command`'],
  ['include', 'use import_tasks'],
  ['include_vars', 'use vars_files on the play'],
  ['setup', 'leave it out: lvs-play asks for what the tasks need'],
  ['gather_facts', 'leave it out: lvs-play asks for what the tasks need'],
  ['meta', 'handlers run at the end of each batch; leave it out'],
  ['ping', 'use `lvs-play plan`: it says which hosts cannot be reached'],
]);

/** The name without the collection it is known under in Ansible. */
function canonicalModule(key: string): string {
  const match = /^ansible\.(?:builtin|legacy)\.(.+)$/.exec(key);
  if (match?.[1] !== undefined) return match[1];
  return key === 'ansible.posix.sysctl' ? 'sysctl' : key;
}

export interface Action {
  /** As written: the key of the task. */
  readonly key: string;
  /** Canonical. */
  readonly name: string;
  readonly include: boolean;
}

/**
 * Finds what a task does among its keys, and reports two modules, none, unknown ones and unknown keywords.
 * @returns undefined when that is not clear; the error has been reported
 */
export function findAction(node: Node, keywords: KeywordSet, modules: KnownModules): Action | undefined {
  const known: Action[] = [];
  const unknown: string[] = [];
  let refused = false;
  for (const key of node.keys()) {
    const name = canonicalModule(key);
    if (keywords.supported.has(key)) continue;
    if (INCLUDES.has(name)) known.push({ key, name, include: true });
    else if (modules.has(name)) known.push({ key, name, include: false });
    else if (keywords.unsupported.has(key) || key.startsWith('with_')) {
      refused = refused || key === 'action' || key === 'local_action';
      failKeyword(node, key, keywords);
    } else unknown.push(key);
  }
  const [first, second] = known;
  if (first === undefined) {
    reportNoModule(node, unknown, refused, keywords, modules);
    return undefined;
  }
  for (const key of unknown) {
    const near = suggest(key, keywords.supported) === undefined ? suggest(canonicalModule(key), modules.keys()) : undefined;
    if (near === undefined) failKeyword(node, key, keywords);
    else node.child(key).fail({ code: 'unknown-keyword', message: `unknown keyword "${key}" on ${keywords.what}`, hint: `a task has one module, here ${first.key}; for the module "${near}" make a task of its own` }, 'key');
  }
  if (second !== undefined) {
    node.child(second.key).fail({ code: 'two-modules', message: `a task has one module, but this one has ${known.map((action) => action.key).join(' and ')}`, hint: 'make a task of each' }, 'key');
    return undefined;
  }
  return first;
}

function reportNoModule(node: Node, unknown: readonly string[], refused: boolean, keywords: KeywordSet, modules: KnownModules): void {
  const names = [...modules.keys(), ...INCLUDES];
  // A slip in a keyword must not be told as an unknown module.
  const isModule = (key: string) => key.includes('.') || INSTEAD.has(key) || suggest(key, keywords.supported) === undefined || suggest(key, names) !== undefined;
  const wrongModules = unknown.filter(isModule);
  for (const key of unknown) {
    if (wrongModules.includes(key)) node.child(key).fail(unknownModule(key, modules), 'key');
    else failKeyword(node, key, keywords);
  }
  if (wrongModules.length > 0 || refused) return;
  const name = node.get('name')?.value;
  const hint = typeof name === 'string' && modules.has(name) ? `"${name}" is a module: write it as the key, \`${name}: {...}\`` : 'add one as a key, such as `package: {name: nginx}`';
  node.fail({ code: 'no-module', message: 'the task has no module', hint });
}

function unknownModule(key: string, modules: KnownModules) {
  const name = canonicalModule(key);
  const short = name.split('.').at(-1) ?? name;
  const instead = INSTEAD.get(short);
  const near = instead === undefined ? suggest(short, [...modules.keys(), ...INCLUDES]) : undefined;
  const list = `the modules are: ${[...modules.keys()].sort().join(', ')}`;
  return { code: 'unknown-module', message: `unknown module "${key}"`, hint: instead ?? (near === undefined ? list : `did you mean "${near}"? ${list}`) };
}

/** The arguments of a task from the module's key and from `args`, free text moved to where it belongs. The module's own key wins. */
export function readArgs(node: Node, key: string, freeForm: string | undefined): Located<JsonObject> {
  const own = node.child(key);
  const extra = node.get('args');
  const extraArgs = extra?.mapping() ?? {};
  const ownArgs = ownArguments(own, freeForm);
  const structured = typeof own.value === 'object';
  return {
    value: { ...extraArgs, ...ownArgs },
    locate: (path, of) => {
      const [argument] = path;
      if (argument !== undefined && extra !== undefined && !Object.hasOwn(ownArgs, argument) && Object.hasOwn(extraArgs, argument)) return extra.located(null).locate(path, of);
      return structured ? own.located(null).locate(path, path.length === 0 ? 'key' : of) : own.position('value');
    },
  };
}

function ownArguments(own: Node, freeForm: string | undefined): JsonObject {
  const { value } = own;
  if (value === null) return {};
  if (typeof value !== 'string' && typeof value !== 'number') return own.mapping() ?? {};
  try {
    const { args, raw } = parseFreeForm(String(value), freeForm !== undefined);
    if (raw === '') return args;
    if (freeForm !== undefined) return { ...args, [freeForm]: raw };
    own.fail({ code: 'no-free-form', message: `${own.label} takes no free text: ${raw}`, hint: 'write its arguments as a mapping' });
  } catch (error) {
    own.fail({ code: 'bad-free-form', message: `${own.label}: ${error instanceof Error ? error.message : String(error)}` });
  }
  return {};
}
