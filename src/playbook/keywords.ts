import { suggest } from '../core/text/suggest.ts';
import type { Node } from './node.ts';

/** What may stand at one level of a playbook. `unsupported` are Ansible's own words that we refuse, with the way out. */
export interface KeywordSet {
  readonly what: string;
  readonly supported: ReadonlySet<string>;
  readonly unsupported: ReadonlyMap<string, string>;
}

const ANYWHERE_UNSUPPORTED: readonly (readonly [string, string])[] = [
  ['become_exe', 'only sudo from the PATH is used'],
  ['become_flags', 'only sudo without further flags is used'],
  ['check_mode', 'use `lvs-play plan`, or --check for the whole run'],
  ['collections', 'leave it out: modules are named without a collection'],
  ['connection', 'set ansible_connection in the inventory'],
  ['debugger', 'leave it out: lvs-play has no debugger'],
  ['diff', 'use `lvs-play plan`, or --diff for the whole run'],
  ['ignore_unreachable', 'use --limit to leave hosts out'],
  ['module_defaults', 'write the arguments in each task, or use a variable'],
  ['port', 'set ansible_port in the inventory'],
  ['remote_user', 'set ansible_user in the inventory, or use --user'],
  ['throttle', 'use serial on the play, or --forks'],
  ['timeout', 'set a time-out in the module, or ansible_command_timeout in the inventory'],
];

const TASK_UNSUPPORTED: readonly (readonly [string, string])[] = [
  ...ANYWHERE_UNSUPPORTED,
  ['action', 'write the module as the key: `package: {name: nginx}`'],
  ['local_action', 'write the module as the key and add `delegate_to: localhost`'],
  ['any_errors_fatal', 'set it on the play'],
  ['async', 'a module runs as long as it needs; leave it out'],
  ['poll', 'a module runs as long as it needs; leave it out'],
  ['delegate_facts', 'leave it out'],
  ...['items', 'dict', 'list', 'nested', 'sequence', 'together', 'subelements', 'fileglob', 'first_found', 'file', 'lines', 'indexed_items', 'flattened', 'random_choice'].map(
    (kind) => [`with_${kind}`, withHint(kind)] as const,
  ),
];

function withHint(kind: string): string {
  switch (kind) {
    case 'items':
    case 'list':
    case 'flattened':
      return 'use loop: with the same list';
    case 'dict':
      return 'use loop: "{{ mapping | dict2items }}"';
    case 'sequence':
      return 'use loop: "{{ range(1, 5) | list }}"';
    default:
      return 'use loop: with a list';
  }
}

const DIRECTIVES = ['name', 'when', 'tags', 'become', 'become_user', 'become_method', 'ignore_errors', 'no_log', 'delegate_to', 'run_once', 'environment', 'vars'];
const TASK_ONLY = ['args', 'register', 'notify', 'loop', 'loop_control', 'changed_when', 'failed_when', 'until', 'retries', 'delay'];

function set(what: string, supported: readonly string[], unsupported: readonly (readonly [string, string])[]): KeywordSet {
  return { what, supported: new Set(supported), unsupported: new Map(unsupported) };
}

export const PLAY = set(
  'a play',
  [
    ...['hosts', 'name', 'vars', 'vars_files', 'roles', 'tasks', 'pre_tasks', 'post_tasks', 'handlers', 'serial', 'order', 'become', 'become_user', 'become_method'],
    ...['tags', 'any_errors_fatal', 'max_fail_percentage', 'gather_facts', 'environment', 'ignore_errors', 'no_log', 'connection'],
  ],
  [
    ...ANYWHERE_UNSUPPORTED.filter(([name]) => name !== 'connection'),
    ['fact_path', 'leave it out: lvs-play gathers no facts'],
    ['force_handlers', 'leave it out'],
    ['gather_subset', 'leave it out: lvs-play gathers no facts'],
    ['gather_timeout', 'leave it out: lvs-play gathers no facts'],
    ['run_once', 'set it on the tasks'],
    ['strategy', 'leave it out: the hosts of a batch go through their tasks side by side'],
    ['user', 'set ansible_user in the inventory, or use --user'],
    ['vars_prompt', 'pass the values with --extra-vars'],
    ['when', 'set it on the tasks, or on a block or role around them'],
  ],
);

export const IMPORT_PLAYBOOK = set('an import_playbook', ['import_playbook', 'name', 'tags', 'vars', 'when'], []);
export const TASK = set('a task', [...DIRECTIVES, ...TASK_ONLY], [['listen', 'only a handler listens; use notify'], ...TASK_UNSUPPORTED]);
export const HANDLER = set('a handler', [...DIRECTIVES, ...TASK_ONLY, 'listen'], TASK_UNSUPPORTED);
export const BLOCK = set(
  'a block',
  ['block', ...DIRECTIVES],
  [
    ['rescue', 'lvs-play undoes a failed change by itself; a task may have ignore_errors or failed_when'],
    ['always', 'put those tasks after the block'],
    ...TASK_ONLY.map((name) => [name, 'set it on the tasks of the block'] as const),
    ...TASK_UNSUPPORTED,
  ],
);
/** Evaluated while the playbook is read: everything on it goes down to each task. */
export const IMPORT = set(
  'an import',
  [...DIRECTIVES, 'args'],
  [...TASK_ONLY.filter((name) => name !== 'args').map((name) => [name, 'set it on the imported tasks'] as const), ...TASK_UNSUPPORTED],
);
/** As in Ansible, directives for the included tasks stand under `apply`. */
export const INCLUDE = set(
  'an include',
  ['name', 'when', 'tags', 'vars', 'args', 'ignore_errors', 'no_log'],
  [
    ...['become', 'become_user', 'become_method', 'environment', 'delegate_to', 'run_once'].map((name) => [name, 'write it under `apply:`, or use the import_ form'] as const),
    ['loop', 'loop over the tasks inside; includes are read before any host is asked'],
    ['loop_control', 'loop over the tasks inside; includes are read before any host is asked'],
    ...TASK_ONLY.filter((name) => !['args', 'loop', 'loop_control'].includes(name)).map((name) => [name, 'set it on the included tasks'] as const),
    ...TASK_UNSUPPORTED,
  ],
);
export const APPLY = set('apply', DIRECTIVES.filter((name) => name !== 'name'), [...TASK_ONLY.map((name) => [name, 'set it on the included tasks'] as const), ...TASK_UNSUPPORTED]);

/** Reports the keys of a mapping that are not allowed at its level. @param expected keys that the caller handles, beside the set's */
export function checkKeywords(node: Node, keywords: KeywordSet, expected: ReadonlySet<string> = new Set()): void {
  for (const key of node.keys()) {
    if (!keywords.supported.has(key) && !expected.has(key)) failKeyword(node, key, keywords, expected);
  }
}

/** Reports one key as a keyword that is unknown or refused. */
export function failKeyword(node: Node, key: string, keywords: KeywordSet, expected: Iterable<string> = []): void {
  const refused = keywords.unsupported.get(key) ?? (key.startsWith('with_') && keywords !== PLAY ? 'use loop: with a list' : undefined);
  if (refused !== undefined) {
    node.child(key).fail({ code: 'unsupported-keyword', message: `${key} is not supported on ${keywords.what}`, hint: refused }, 'key');
    return;
  }
  const near = suggest(key, [...keywords.supported, ...expected]);
  node.child(key).fail(
    {
      code: 'unknown-keyword',
      message: `unknown keyword "${key}" on ${keywords.what}`,
      hint: near === undefined ? `${keywords.what} may have: ${[...keywords.supported].sort().join(', ')}` : `did you mean "${near}"?`,
    },
    'key',
  );
}
