import { describe, expect, it } from 'vitest';
import { roundsOf } from '../../../src/apply/rounds.ts';
import type { CompiledPlay } from '../../../src/plan/compile/compile.ts';
import type { PlannedPair, PlannedTask } from '../../../src/plan/types.ts';
import type { Task } from '../../../src/playbook/types.ts';

function task(id: string, runOnce = false): Task {
  return { id: `0.t${id}`, name: id, runOnce } as unknown as Task;
}

function play(batches: readonly (readonly string[])[], tasks: readonly Task[], handlers: readonly Task[] = []): CompiledPlay {
  return { play: {} as CompiledPlay['play'], tasks, handlers, batches };
}

function row(host: string, id: string, how: PlannedPair['class'], pairs: readonly string[] = ['edge']): PlannedTask {
  const change = { path: 'f', before: 1, after: 2 };
  return { host, task: { id: `0.t${id}`, play: '', name: id, module: 'keepalived', handler: false }, status: 'change', changes: [change], predicted: false, notifies: [], pair: { pairs, class: how, reasons: [], leaving: [], outage: 0 } };
}

/** `hosts: tasks`, and how a pair goes about it. */
function told(rounds: ReturnType<typeof roundsOf>): string[][] {
  return rounds.map(({ stretches }) =>
    stretches.filter(({ tasks }) => tasks.length > 0).map(({ hosts, tasks, pair }) => `${hosts.join('+')}: ${tasks.map(({ name }) => name).join(' ')}${pair === undefined ? '' : pair === 'in-turn' ? ' in turn' : ` together ${pair.together.map((set) => set.join('+')).join(' ')}`}`),
  );
}

const TASKS = [task('1'), task('2'), task('3')];
const ONE_BY_ONE = [['lvs2'], ['lvs1']];

describe('the rounds of a play', () => {
  it('are its batches, all tasks in one stretch but those that run once, handlers at the end', () => {
    expect(told(roundsOf(play([['a', 'b'], ['c']], [task('1'), task('2', true), task('3')], [task('4')]), []))).toEqual([
      ['a+b: 1', 'a+b: 2', 'a+b: 3', 'a+b: 4'],
      ['c: 1', 'c: 2', 'c: 3', 'c: 4'],
    ]);
  });

  it('a serial change of a pair is made by one host after the other, also in one batch', () => {
    expect(told(roundsOf(play([['lvs2', 'lvs1']], TASKS), [row('lvs2', '2', 'serial'), row('lvs1', '2', 'serial')]))).toEqual([['lvs2+lvs1: 1', 'lvs2+lvs1: 2 in turn', 'lvs2+lvs1: 3']]);
    expect(told(roundsOf(play(ONE_BY_ONE, TASKS), [row('lvs2', '2', 'serial'), row('lvs1', '2', 'serial')]))).toEqual([
      ['lvs2: 1', 'lvs2: 2 in turn', 'lvs2: 3'],
      ['lvs1: 1', 'lvs1: 2 in turn', 'lvs1: 3'],
    ]);
  });

  it('a simultaneous one brings the batches of its members together for that task, and for no other', () => {
    const rounds = roundsOf(play(ONE_BY_ONE, TASKS, [task('4')]), [row('lvs2', '2', 'simultaneous'), row('lvs1', '2', 'simultaneous')]);
    expect(told(rounds)).toEqual([['lvs2: 1', 'lvs1: 1', 'lvs2+lvs1: 2 together lvs2+lvs1', 'lvs2: 3', 'lvs2: 4', 'lvs1: 3', 'lvs1: 4']]);
    expect(rounds.map(({ number, hosts }) => [number, hosts])).toEqual([[0, ['lvs2', 'lvs1']]]);
  });

  it('takes along what lies between, whose hosts do it by themselves', () => {
    const rounds = roundsOf(play([['lvs2'], ['x'], ['lvs1'], ['y']], TASKS), [row('lvs2', '2', 'disruptive'), row('lvs1', '2', 'disruptive')]);
    expect(told(rounds)).toEqual([['lvs2: 1', 'x: 1', 'lvs1: 1', 'x: 2 in turn', 'lvs2+lvs1: 2 together lvs2+lvs1', 'lvs2: 3', 'x: 3', 'lvs1: 3'], ['y: 1 2 3']]);
  });

  it('two pairs each meet among themselves', () => {
    const rows = [row('a2', '2', 'simultaneous', ['a']), row('b2', '2', 'simultaneous', ['b']), row('a1', '2', 'simultaneous', ['a']), row('b1', '2', 'simultaneous', ['b'])];
    expect(told(roundsOf(play([['a2', 'b2'], ['a1', 'b1']], [task('2')]), rows))).toEqual([['a2+b2+a1+b1: 2 together a2+a1 b2+b1']]);
  });

  it('a member whose partner has nothing to change waits for nobody', () => {
    expect(told(roundsOf(play(ONE_BY_ONE, TASKS), [row('lvs1', '2', 'simultaneous')]))).toEqual([
      ['lvs2: 1 2 3'],
      ['lvs1: 1', 'lvs1: 2 in turn', 'lvs1: 3'],
    ]);
  });
});
