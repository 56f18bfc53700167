import path from 'node:path';
import { LvsPlayError } from '../../core/errors.ts';
import { readVars, rootInherited, withDirectives, type Inherited } from './inherit.ts';
import { checkKeywords, PLAY } from '../keywords.ts';
import { suggest } from '../../core/text/suggest.ts';
import type { Node } from '../node.ts';
import { loadRoleEntry, loadTaskList } from './task-list.ts';
import type { DraftTask, LoadState } from './state.ts';
import type { Play, VarLayer } from '../types.ts';

/** A play whose tasks have no numbers yet. */
export type DraftPlay = Omit<Play, 'tasks' | 'handlers'> & { readonly tasks: readonly DraftTask[]; readonly handlers: readonly DraftTask[] };

const ORDERS: readonly Play['order'][] = ['inventory', 'reverse_inventory', 'sorted', 'reverse_sorted', 'backup_first'];

/**
 * One play with everything it brings in.
 * @param around what `import_playbook` adds: conditions and tags for all tasks, and variables for the play
 */
export async function loadPlay(node: Node, around: { readonly when: Inherited['when']; readonly tags: readonly string[]; readonly vars: readonly VarLayer[] }, state: LoadState): Promise<DraftPlay | undefined> {
  checkKeywords(node, PLAY);
  const hosts = readHosts(node);
  checkGatherFacts(node.get('gather_facts'));
  checkConnection(node.get('connection'), hosts);
  const own = withDirectives(node, { ...rootInherited(state.playbookDir), when: around.when, tags: around.tags }, undefined);
  // Become is the play's own: a host's ansible_become stands between the play's and the task's.
  const scope: Inherited = { ...own, become: undefined, becomeUser: undefined };
  const vars = readVars(node.get('vars'));
  const varsFiles = await readVarsFiles(node.get('vars_files'), state);
  const tasks = await loadSections(node, scope, state);
  const handlersNode = node.get('handlers');
  if (handlersNode !== undefined) state.play.handlers.push(...(await loadTaskList(handlersNode, { ...scope, handlers: true }, state)));
  const handlers = withoutRepeats(state.play.handlers);
  if (hosts === undefined) return undefined;
  return {
    name: node.get('name')?.string() ?? hosts,
    position: node.position(),
    hosts,
    order: readOrder(node.get('order')),
    serial: readSerial(node.get('serial')),
    anyErrorsFatal: node.get('any_errors_fatal')?.boolean() ?? false,
    maxFailPercentage: readPercentage(node.get('max_fail_percentage')),
    become: own.become,
    becomeUser: own.becomeUser,
    tags: own.tags,
    vars: [...state.play.roleDefaults, ...(vars === undefined ? [] : [{ source: 'play-vars' as const, vars }]), ...around.vars, ...varsFiles, ...state.play.roleVars],
    tasks: withKnownHandlers(tasks, handlers, state),
    handlers: withKnownHandlers(handlers, handlers, state),
  };
}

async function loadSections(node: Node, scope: Inherited, state: LoadState): Promise<DraftTask[]> {
  const tasks: DraftTask[] = [];
  const section = async (key: string) => {
    const list = node.get(key);
    if (list !== undefined) tasks.push(...(await loadTaskList(list, scope, state)));
  };
  await section('pre_tasks');
  for (const role of node.get('roles')?.items() ?? []) tasks.push(...((await loadRoleEntry(role, scope, state))?.tasks ?? []));
  await section('tasks');
  await section('post_tasks');
  return tasks;
}

function readHosts(node: Node): string | undefined {
  const hosts = node.get('hosts');
  if (hosts === undefined) return node.fail({ code: 'no-hosts', message: 'the play has no hosts', hint: 'add `hosts: all`, a group, a host or a pattern' });
  const patterns = hosts.strings(false);
  if (patterns === undefined) return undefined;
  if (patterns.some((pattern) => pattern.includes('{{'))) {
    return hosts.fail({ code: 'templated-hosts', message: 'hosts holds a template', hint: 'write a group or pattern and choose with --limit' });
  }
  return patterns.join(',');
}

function checkGatherFacts(node: Node | undefined): void {
  if (node?.boolean() !== true) return;
  node.fail({
    code: 'gather-facts',
    message: 'gather_facts: true is not supported: there is no agent on the hosts, and only what the tasks need is asked',
    hint: 'write gather_facts: false, or leave it out, and use inventory variables in place of ansible_facts',
  });
}

function checkConnection(node: Node | undefined, hosts: string | undefined): void {
  const connection = node?.string();
  if (node === undefined || connection === undefined) return;
  if (connection === 'local' && (hosts === 'localhost' || hosts === '127.0.0.1')) return;
  node.fail({ code: 'unsupported-connection', message: `connection: ${connection} is not supported on this play`, hint: 'set ansible_connection in the inventory; localhost is local by itself' });
}

function readOrder(node: Node | undefined): Play['order'] {
  const order = node?.string();
  if (node === undefined || order === undefined) return 'inventory';
  const known = ORDERS.find((candidate) => candidate === order);
  if (known !== undefined) return known;
  const near = suggest(order, ORDERS);
  node.fail({ code: 'unknown-order', message: `unknown order "${order}"`, hint: near === undefined ? `order may be ${ORDERS.join(', ')}` : `did you mean "${near}"?` });
  return 'inventory';
}

function readSerial(node: Node | undefined): (number | string)[] {
  if (node === undefined) return [];
  const nodes = Array.isArray(node.value) ? (node.items() ?? []) : [node];
  return nodes.flatMap((item): (number | string)[] => {
    const { value } = item;
    if (typeof value === 'string' && /^\d+(\.\d+)?%$/.test(value)) return [value];
    const number = typeof value === 'number' ? value : typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : -1;
    if (Number.isInteger(number) && number >= 0) return [number];
    item.fail({ code: 'bad-serial', message: `serial: ${JSON.stringify(value)} is neither a number of hosts nor a percentage`, hint: 'write serial: 1, serial: 30% or a list of these' });
    return [];
  });
}

function readPercentage(node: Node | undefined): number | undefined {
  const number = node?.number(0, false);
  if (node === undefined || number === undefined || number <= 100) return number;
  return node.fail({ code: 'wrong-type', message: 'max_fail_percentage must be from 0 to 100' });
}

async function readVarsFiles(node: Node | undefined, state: LoadState): Promise<VarLayer[]> {
  if (node === undefined) return [];
  const nodes = Array.isArray(node.value) ? (node.items() ?? []) : [node];
  const layers: VarLayer[] = [];
  for (const item of nodes) {
    if (Array.isArray(item.value)) {
      item.fail({ code: 'unsupported-vars-files', message: 'a choice of vars_files is not supported', hint: 'name the file, or use group_vars' });
      continue;
    }
    const name = item.string();
    if (name === undefined) continue;
    if (name.includes('{{')) {
      item.fail({ code: 'templated-include', message: 'the name of a vars_file holds a template, but has to be known before any host is asked', hint: 'use group_vars or host_vars' });
      continue;
    }
    const places = [path.resolve(state.playbookDir, name), path.resolve(state.playbookDir, 'vars', name)];
    const file = await state.files.firstFile(places);
    if (file === undefined) {
      item.fail({ code: 'no-such-file', message: `${name} was not found`, hint: `looked at ${places.join(', ')}` });
      continue;
    }
    const content = await state.files.read(file, item);
    const vars = content === undefined || content.value === null ? undefined : readVars(content);
    if (vars !== undefined) layers.push({ source: 'vars-files', vars });
  }
  return layers;
}

// A role that is used twice brings the same handlers twice.
function withoutRepeats(handlers: readonly DraftTask[]): DraftTask[] {
  const seen = new Set<string>();
  return handlers.filter((handler) => {
    const place = `${handler.position.file}:${String(handler.position.line)}:${String(handler.position.column)}`;
    return !seen.has(place) && seen.add(place);
  });
}

/** `notify` must name a handler; Ansible's `role : handler` becomes the handler's name. */
function withKnownHandlers(tasks: readonly DraftTask[], handlers: readonly DraftTask[], state: LoadState): DraftTask[] {
  const topics = new Set(handlers.flatMap((handler) => [handler.name, ...handler.listen]));
  const qualified = new Map<string, string>(handlers.flatMap((handler) => (handler.roleDir === undefined ? [] : [[`${path.basename(handler.roleDir)} : ${handler.name}`, handler.name] as const])));
  return tasks.map((task) => {
    const notify = task.notify.map((name) => (topics.has(name) ? name : (qualified.get(name) ?? name)));
    for (const name of notify) {
      if (!topics.has(name) && !name.includes('{{')) state.errors.push(unknownHandler(name, task, topics));
    }
    return { ...task, notify };
  });
}

function unknownHandler(name: string, task: DraftTask, topics: ReadonlySet<string>): LvsPlayError {
  const near = suggest(name, topics);
  const list = topics.size === 0 ? 'the play has no handlers' : `the handlers are: ${[...topics].join(', ')}`;
  return new LvsPlayError({ code: 'unknown-handler', kind: 'input', message: `task "${task.name}" notifies "${name}", which no handler is called or listens to`, position: task.position, hint: near === undefined ? list : `did you mean "${near}"?` });
}
