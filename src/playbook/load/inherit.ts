import type { JsonObject } from '../../core/json.ts';
import { isJsonObject } from '../../core/json.ts';
import type { Located } from '../../core/located.ts';
import { vaultCiphertext } from '../../yaml/load.ts';
import type { Node } from '../node.ts';
import type { Task, VarLayer } from '../types.ts';

/** The role that tasks belong to, with the variables it brings; lowest precedence first. */
export interface RoleScope {
  readonly name: string;
  /** Absolute. */
  readonly dir: string;
  readonly defaults: readonly VarLayer[];
  readonly vars: readonly VarLayer[];
  readonly params: readonly VarLayer[];
  /** The role that depends on this one or includes it. */
  readonly parent: RoleScope | undefined;
}

/** What a task gets from the play, role, includes and blocks around it. */
export interface Inherited {
  readonly when: Task['when'];
  readonly tags: readonly string[];
  readonly includeTags: readonly (readonly string[])[];
  readonly become: boolean | undefined;
  readonly becomeUser: string | undefined;
  readonly ignoreErrors: boolean;
  readonly noLog: boolean;
  readonly delegateTo: 'localhost' | undefined;
  readonly runOnce: boolean;
  /** Outermost first. */
  readonly environment: readonly Located<JsonObject>[];
  /** Variables of includes and blocks, outermost first. */
  readonly chain: readonly VarLayer[];
  readonly role: RoleScope | undefined;
  /** Absolute directory of the file being read. */
  readonly directory: string;
  /** Files being read, outermost first, to see an include that includes itself. */
  readonly files: readonly string[];
  readonly handlers: boolean;
}

/** Nothing around: the start of a play. */
export function rootInherited(directory: string): Inherited {
  return {
    when: [],
    tags: [],
    includeTags: [],
    become: undefined,
    becomeUser: undefined,
    ignoreErrors: false,
    noLog: false,
    delegateTo: undefined,
    runOnce: false,
    environment: [],
    chain: [],
    role: undefined,
    directory,
    files: [],
    handlers: false,
  };
}

/** Adds the directives written on a mapping (task, block, include, role entry, play). `vars` join the chain as `source`; undefined leaves them out. */
export function withDirectives(node: Node, outer: Inherited, source: VarLayer['source'] | undefined): Inherited {
  checkBecomeMethod(node);
  const vars = source === undefined ? undefined : readVars(node.get('vars'));
  const environment = readEnvironment(node.get('environment'));
  return {
    ...outer,
    when: [...outer.when, ...(node.get('when')?.conditions() ?? [])],
    tags: [...new Set([...outer.tags, ...(node.get('tags')?.strings(true) ?? [])])],
    become: node.get('become')?.boolean() ?? outer.become,
    becomeUser: node.get('become_user')?.string() ?? outer.becomeUser,
    ignoreErrors: node.get('ignore_errors')?.boolean() ?? outer.ignoreErrors,
    noLog: node.get('no_log')?.boolean() ?? outer.noLog,
    delegateTo: readDelegate(node.get('delegate_to')) ?? outer.delegateTo,
    runOnce: node.get('run_once')?.boolean() ?? outer.runOnce,
    environment: environment === undefined ? outer.environment : [...outer.environment, environment],
    chain: vars === undefined || source === undefined ? outer.chain : [...outer.chain, { source, vars }],
  };
}

/** `vars:` as a layer's values; their names must be such that a template can say them. */
export function readVars(node: Node | undefined): Located<JsonObject> | undefined {
  const value = node?.mapping();
  if (node === undefined || value === undefined) return undefined;
  for (const name of Object.keys(value)) {
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      node.child(name).fail({ code: 'bad-variable-name', message: `"${name}" is no variable name`, hint: 'use letters, digits and _, not beginning with a digit' }, 'key');
    }
  }
  refuseVault(node);
  return node.located(value);
}

// Passed on undecrypted, the ciphertext would be what lands on a host.
function refuseVault(node: Node): void {
  const { value } = node;
  if (vaultCiphertext(value) !== undefined) {
    node.fail({ code: 'vault-in-playbook', message: 'a !vault value is supported in the inventory only', hint: 'move the variable to group_vars or host_vars' });
  } else if (Array.isArray(value)) value.forEach((_, index) => { refuseVault(node.child(index)); });
  else for (const key of node.keys()) refuseVault(node.child(key));
}

/** Several mappings as one, the later ones first in rank; every entry still knows where it was written. */
export function mergeLocated(layers: readonly Located<JsonObject>[]): Located<JsonObject> | undefined {
  const [first] = layers;
  if (first === undefined) return undefined;
  const owners = new Map<string, Located<JsonObject>>();
  for (const layer of layers) for (const key of Object.keys(layer.value)) owners.set(key, layer);
  return {
    value: Object.fromEntries([...owners].map(([key, layer]) => [key, layer.value[key] ?? null])),
    locate: (path, of) => (owners.get(String(path[0])) ?? layers.at(-1) ?? first).locate(path, of),
  };
}

function checkBecomeMethod(node: Node): void {
  const method = node.get('become_method');
  if (method !== undefined && method.value !== 'sudo') {
    method.fail({ code: 'unsupported-become-method', message: `become_method ${JSON.stringify(method.value)} is not supported`, hint: 'only sudo is: leave the keyword out' });
  }
}

function readDelegate(node: Node | undefined): 'localhost' | undefined {
  const host = node?.string();
  if (node === undefined || host === undefined) return undefined;
  if (['localhost', '127.0.0.1', '::1'].includes(host)) return 'localhost';
  return node.fail({
    code: 'unsupported-delegate',
    message: `delegate_to: ${host} is not supported`,
    hint: 'a task may be delegated to localhost only; for another host write a play with `hosts: ' + (host.includes('{{') ? 'NAME' : host) + '`',
  });
}

function readEnvironment(node: Node | undefined): Located<JsonObject> | undefined {
  if (node === undefined) return undefined;
  if (!Array.isArray(node.value)) {
    const value = node.mapping();
    return value === undefined ? undefined : node.located(value);
  }
  const layers = (node.items() ?? []).flatMap((item) => {
    const value = item.mapping();
    return isJsonObject(value) ? [item.located(value)] : [];
  });
  return mergeLocated(layers);
}
