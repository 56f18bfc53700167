import path from 'node:path';
import type { JsonObject } from '../../core/json.ts';
import { readVars, withDirectives, type Inherited, type RoleScope } from './inherit.ts';
import { APPLY, BLOCK, checkKeywords, HANDLER, IMPORT, INCLUDE, TASK } from '../keywords.ts';
import { findAction, readArgs, type Action } from './modules.ts';
import type { Node } from '../node.ts';
import { findRole, MAIN_PARTS, readDependencies, readRoleFile, readRoleVars, type RoleParts } from './role-files.ts';
import { displayPath } from '../../core/inputs.ts';
import type { DraftTask, LoadState } from './state.ts';
import { readTask } from './task.ts';
import type { VarLayer } from '../types.ts';

/** A list of tasks, blocks and includes, flattened into the order they run in. */
export async function loadTaskList(node: Node, outer: Inherited, state: LoadState): Promise<DraftTask[]> {
  const tasks: DraftTask[] = [];
  for (const item of node.items() ?? []) tasks.push(...(await loadEntry(item, outer, state)));
  return tasks;
}

async function loadEntry(node: Node, outer: Inherited, state: LoadState): Promise<DraftTask[]> {
  if (typeof node.value !== 'object' || node.value === null || Array.isArray(node.value)) {
    node.fail({ code: 'wrong-type', message: 'a task must be a mapping', hint: 'write the module as a key, such as `package: {name: nginx}`' });
    return [];
  }
  if (node.keys().some((key) => ['block', 'rescue', 'always'].includes(key))) return loadBlock(node, outer, state);
  const action = findAction(node, outer.handlers ? HANDLER : TASK, state.modules);
  if (action === undefined) return [];
  if (!action.include) return [readTask(node, action, outer, state)];
  return action.name.endsWith('_role') ? loadRoleTask(node, action, outer, state) : loadTaskFile(node, action, outer, state);
}

async function loadBlock(node: Node, outer: Inherited, state: LoadState): Promise<DraftTask[]> {
  checkKeywords(node, BLOCK);
  const block = node.get('block');
  return block === undefined ? [] : loadTaskList(block, withDirectives(node, outer, 'block-vars'), state);
}

/** `include_` reads no directive of its own but those of INCLUDE: what is under `apply` goes to the tasks, and its tags only choose the include. */
function includeScope(node: Node, action: Action, apply: Node | undefined, outer: Inherited): Inherited {
  const own = withDirectives(node, outer, 'include-vars');
  if (action.name.startsWith('import_')) return own;
  if (apply !== undefined) checkKeywords(apply, APPLY);
  const scope: Inherited = { ...own, tags: outer.tags, includeTags: node.get('tags') === undefined ? outer.includeTags : [...outer.includeTags, own.tags] };
  return apply === undefined ? scope : withDirectives(apply, scope, 'include-vars');
}

/** Checks the keywords of an include and gives its arguments, by name, with their places. */
function includeArgs(node: Node, action: Action, allowed: readonly string[]): { args: JsonObject; at: (name: string) => Node; apply: Node | undefined } {
  const dynamic = action.name.startsWith('include_');
  checkKeywords(node, dynamic ? INCLUDE : IMPORT, new Set([action.key]));
  const own = node.child(action.key);
  const freeForm = action.name.endsWith('_tasks') ? 'file' : undefined;
  const args = readArgs(node, action.key, freeForm).value;
  const structured = typeof own.value === 'object';
  const at = (name: string) => (structured && own.get(name) !== undefined ? own.child(name) : own);
  for (const key of Object.keys(args)) {
    if (allowed.includes(key) || (dynamic && key === 'apply')) continue;
    at(key).fail({ code: 'unknown-argument', message: `${action.name} has no argument "${key}"`, hint: `it has: ${allowed.join(', ')}; variables go under vars:` }, 'key');
  }
  return { args, at, apply: dynamic && structured ? own.get('apply') : undefined };
}

function staticName(value: unknown, what: string, at: Node): string | undefined {
  if (typeof value !== 'string' || value === '') return at.fail({ code: 'missing-name', message: `${what} is missing`, hint: 'name it as a string' });
  if (!value.includes('{{')) return value;
  return at.fail({ code: 'templated-include', message: `${what} holds a template, but has to be known before any host is asked`, hint: 'write one include for each case, each with a when' });
}

async function loadTaskFile(node: Node, action: Action, outer: Inherited, state: LoadState): Promise<DraftTask[]> {
  const { args, at, apply } = includeArgs(node, action, ['file']);
  const name = staticName(args['file'], `the file of ${action.name}`, at('file'));
  const scope = includeScope(node, action, apply, outer);
  if (name === undefined) return [];
  const folders = [outer.directory, ...(outer.role === undefined ? [] : [path.join(outer.role.dir, outer.handlers ? 'handlers' : 'tasks')]), state.playbookDir];
  const places = [...new Set(folders.map((folder) => path.resolve(folder, name)))];
  const file = await state.files.firstFile(places);
  if (file === undefined) {
    at('file').fail({ code: 'no-such-file', message: `${name} was not found`, hint: `looked at ${places.join(', ')}` });
    return [];
  }
  return loadTasksOf(file, at('file'), scope, state);
}

async function loadTasksOf(file: string, asker: Node, scope: Inherited, state: LoadState): Promise<DraftTask[]> {
  if (scope.files.includes(file)) {
    const chain = [...scope.files.slice(scope.files.indexOf(file)), file].map(displayPath).join(' -> ');
    asker.fail({ code: 'include-cycle', message: `the file includes itself: ${chain}` });
    return [];
  }
  const node = await state.files.read(file, asker);
  if (node === undefined || node.value === null) return [];
  return loadTaskList(node, { ...scope, directory: path.dirname(file), files: [...scope.files, file] }, state);
}

const ROLE_ARGS = ['name', 'role', 'tasks_from', 'handlers_from', 'vars_from', 'defaults_from', 'public', 'allow_duplicates', 'rolespec_validate'];

async function loadRoleTask(node: Node, action: Action, outer: Inherited, state: LoadState): Promise<DraftTask[]> {
  const { args, at, apply } = includeArgs(node, action, ROLE_ARGS);
  const name = staticName(args['name'] ?? args['role'], `the role of ${action.name}`, at('name'));
  const scope = includeScope(node, action, apply, outer);
  const part = (key: string) => (args[key] === undefined ? 'main' : staticName(args[key], key, at(key)));
  const parts = { tasks: part('tasks_from'), handlers: part('handlers_from'), vars: part('vars_from'), defaults: part('defaults_from') };
  if (name === undefined || Object.values(parts).includes(undefined)) return [];
  const isPublic = action.name === 'import_role' || (at('public') !== at('name') && at('public').boolean() === true && args['public'] !== undefined);
  const role: RoleUse = { name, asker: at('name'), parts: parts as RoleParts, entryVars: [], params: [], isPublic, once: undefined };
  return (await loadRole(role, scope, state))?.tasks ?? [];
}

/** One use of a role. */
export interface RoleUse {
  readonly name: string;
  readonly asker: Node;
  readonly parts: RoleParts;
  /** `vars` of its entry: below the role's own. */
  readonly entryVars: readonly VarLayer[];
  /** Other keys of its entry: above everything but `-e`. */
  readonly params: readonly VarLayer[];
  /** Its variables are seen by the whole play. */
  readonly isPublic: boolean;
  /** What tells this use from others of the same role; a use that was there before is left out. Undefined: never left out. */
  readonly once: string | undefined;
}

interface LoadedRole {
  readonly tasks: DraftTask[];
  readonly scope: RoleScope;
}

const ROLE_KEYS: ReadonlySet<string> = new Set(['role', 'name']);

/** An entry of `roles:` or of a role's dependencies: a name, or a mapping with directives and parameters. */
export async function loadRoleEntry(node: Node, outer: Inherited, state: LoadState): Promise<LoadedRole | undefined> {
  const plain = typeof node.value === 'string';
  if (!plain && node.mapping() === undefined) return undefined;
  const nameNode = plain ? node : (node.get('role') ?? node.get('name'));
  const name = staticName(nameNode?.value, 'the name of the role', nameNode ?? node);
  const scope = plain ? outer : withDirectives(node, outer, undefined);
  const { params, entryVars } = plain ? { params: [], entryVars: [] } : entryLayers(node);
  if (name === undefined) return undefined;
  const once = JSON.stringify([scope.when.map((condition) => condition.value), scope.tags, [...params, ...entryVars].map((layer) => layer.vars.value), scope.become ?? null]);
  return loadRole({ name, asker: nameNode ?? node, parts: MAIN_PARTS, entryVars, params, isPublic: true, once }, scope, state);
}

function entryLayers(node: Node): { params: VarLayer[]; entryVars: VarLayer[] } {
  const vars = readVars(node.get('vars'));
  const params: Record<string, JsonObject[string]> = {};
  for (const [key, value] of Object.entries(node.mapping() ?? {})) {
    if (ROLE_KEYS.has(key) || APPLY.supported.has(key)) continue;
    if (APPLY.unsupported.has(key)) checkKeywords(node, { ...APPLY, what: 'a role', supported: new Set(node.keys().filter((other) => other !== key)) });
    else params[key] = value;
  }
  return {
    params: Object.keys(params).length === 0 ? [] : [{ source: 'include-vars', vars: node.located(params) }],
    entryVars: vars === undefined ? [] : [{ source: 'role-vars', vars }],
  };
}

async function loadRole(use: RoleUse, outer: Inherited, state: LoadState): Promise<LoadedRole | undefined> {
  const parent = outer.role;
  const dir = await findRole(use.name, parent, use.asker, state);
  if (dir === undefined) return undefined;
  const chain = ancestors(parent);
  if (chain.filter((role) => role.dir === dir).length > 0 && use.parts.tasks === 'main') {
    use.asker.fail({ code: 'role-cycle', message: `the role needs itself: ${[...chain.map((role) => role.name), use.name].join(' -> ')}` });
    return undefined;
  }
  const { nodes, allowDuplicates } = await readDependencies(dir, use.asker, state);
  const defaults = await readRoleVars(dir, 'defaults', use.parts.defaults, use.asker, state);
  const vars = await readRoleVars(dir, 'vars', use.parts.vars, use.asker, state);
  const inherited = {
    defaults: parent?.defaults ?? [],
    vars: parent?.vars ?? [],
    params: [...(parent?.params ?? []), ...use.params],
  };
  // A dependency sees the variables of the role that asks for it.
  const asking: RoleScope = { name: path.basename(dir), dir, parent, defaults: [...inherited.defaults, ...defaults], vars: [...inherited.vars, ...use.entryVars, ...vars], params: inherited.params };
  const tasks: DraftTask[] = [];
  const brought: RoleScope[] = [];
  for (const node of nodes) {
    const loaded = await loadRoleEntry(node, { ...outer, role: asking }, state);
    if (loaded === undefined) continue;
    tasks.push(...loaded.tasks);
    brought.push(loaded.scope);
  }
  const scope: RoleScope = {
    ...asking,
    defaults: [...brought.flatMap((role) => role.defaults), ...asking.defaults],
    vars: [...inherited.vars, ...brought.flatMap((role) => role.vars), ...use.entryVars, ...vars],
  };
  const key = `${dir} ${use.once ?? ''}`;
  if (use.once !== undefined && !allowDuplicates && state.play.rolesDone.has(key)) return { tasks: [], scope };
  if (use.once !== undefined) state.play.rolesDone.add(key);
  if (use.isPublic) {
    state.play.roleDefaults.push(...scope.defaults);
    state.play.roleVars.push(...scope.vars);
  }
  const inner: Inherited = { ...outer, role: scope };
  const handlers = await readRoleFile(dir, 'handlers', use.parts.handlers, use.asker, state);
  if (handlers !== undefined) state.play.handlers.push(...(await loadTasksOf(handlers.file, use.asker, { ...inner, handlers: true, files: [] }, state)));
  const file = await readRoleFile(dir, 'tasks', use.parts.tasks, use.asker, state);
  if (file !== undefined) tasks.push(...(await loadTasksOf(file.file, use.asker, inner, state)));
  return { tasks, scope };
}

function ancestors(role: RoleScope | undefined): RoleScope[] {
  return role === undefined ? [] : [...ancestors(role.parent), role];
}
