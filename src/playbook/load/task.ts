import { mergeLocated, withDirectives, type Inherited, type RoleScope } from './inherit.ts';
import { readArgs, type Action } from './modules.ts';
import type { Node } from '../node.ts';
import type { DraftTask, LoadState } from './state.ts';
import type { Task, VarLayer } from '../types.ts';

const DEFAULT_RETRIES = 3;
const DEFAULT_DELAY_SECONDS = 5;

/** One task or handler, its module being known. Pure but for the errors it reports. */
export function readTask(node: Node, action: Action, outer: Inherited, state: LoadState): DraftTask {
  const inner = withDirectives(node, outer, 'task-vars');
  const name = node.get('name')?.string();
  return {
    name: name === undefined || name === '' ? action.name : name,
    position: node.position(),
    module: action.name,
    args: readArgs(node, action.key, state.modules.get(action.name)?.freeForm),
    when: inner.when,
    tags: inner.tags,
    ...(inner.includeTags.length === 0 ? {} : { includeTags: inner.includeTags }),
    become: inner.become,
    becomeUser: inner.becomeUser,
    register: readRegister(node.get('register')),
    notify: node.get('notify')?.strings(false) ?? [],
    listen: outer.handlers ? (node.get('listen')?.strings(true) ?? []) : [],
    loop: readLoop(node.get('loop')),
    loopVar: readLoopVar(node.get('loop_control')),
    changedWhen: readCondition(node.get('changed_when')),
    failedWhen: readCondition(node.get('failed_when')),
    ignoreErrors: inner.ignoreErrors,
    noLog: inner.noLog,
    delegateTo: inner.delegateTo,
    runOnce: inner.runOnce,
    until: readUntil(node),
    environment: mergeLocated(inner.environment),
    roleDir: outer.role?.dir,
    baseDir: outer.role === undefined ? outer.directory : state.playbookDir,
    vars: [...roleLayers(outer.role), ...inner.chain, ...(outer.role?.params ?? [])],
  };
}

function roleLayers(role: RoleScope | undefined): readonly VarLayer[] {
  return role === undefined ? [] : [...role.defaults, ...role.vars];
}

// A list in changed_when is what all must be true of; the contract has one expression.
function readCondition(node: Node | undefined): Task['changedWhen'] {
  if (node === undefined || !Array.isArray(node.value)) return node?.condition();
  const parts = node.conditions();
  const texts = parts.map((part) => `(${typeof part.value === 'string' ? part.value : part.value ? 'true' : 'false'})`);
  return texts.length === 0 ? undefined : node.located(texts.join(' and '));
}

function readRegister(node: Node | undefined): string | undefined {
  const name = node?.string();
  if (node === undefined || name === undefined || /^[A-Za-z_]\w*$/.test(name)) return name;
  return node.fail({ code: 'bad-variable-name', message: `register: "${name}" is no variable name`, hint: 'use letters, digits and _, not beginning with a digit' });
}

function readLoop(node: Node | undefined): Task['loop'] {
  if (node === undefined) return undefined;
  const { value } = node;
  if (Array.isArray(value) || (typeof value === 'string' && value.includes('{{'))) return node.located(value);
  return node.fail({
    code: 'loop-not-list',
    message: 'loop must be a list, or a template that gives one',
    hint: typeof value === 'string' ? `write loop: "{{ ${value} }}"` : 'for a mapping write loop: "{{ mapping | dict2items }}"',
  });
}

function readLoopVar(node: Node | undefined): string {
  if (node === undefined || node.mapping() === undefined) return 'item';
  for (const key of node.keys()) {
    if (key === 'loop_var') continue;
    const hint = ['label', 'index_var', 'pause', 'extended', 'extended_allitems'].includes(key) ? `leave ${key} out` : 'did you mean "loop_var"?';
    node.child(key).fail({ code: 'unsupported-keyword', message: `loop_control: ${key} is not supported`, hint }, 'key');
  }
  return readRegister(node.get('loop_var')) ?? 'item';
}

function readUntil(node: Node): Task['until'] {
  const condition = readCondition(node.get('until'));
  const retries = node.get('retries')?.number(0, true) ?? DEFAULT_RETRIES;
  const delay = node.get('delay')?.number(0, false) ?? DEFAULT_DELAY_SECONDS;
  if (condition !== undefined) return { condition, retries, delay };
  for (const key of ['retries', 'delay']) {
    if (node.get('until') === undefined && node.get(key) !== undefined) {
      node.child(key).fail({ code: 'retries-without-until', message: `${key} means nothing without until`, hint: 'register the result and add `until: result is succeeded`' }, 'key');
    }
  }
  return undefined;
}
