import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunEnding, RunKeeper } from '../../../src/apply/keeper.ts';
import { LvsPlayError } from '../../../src/core/errors.ts';
import { play, Workshop } from './harness.ts';

const TOUCH = play(["{ name: write, copy: { content: a, dest: '{{ dir }}/{{ inventory_hostname }}' } }"]);

/** A keeper that notes what it is told. */
function noting(name: string, notes: string[], more: Partial<RunKeeper> = {}): RunKeeper {
  return {
    name,
    begin: ({ changing }) => note(`${name} begin ${changing.join()}`),
    beforeBatch: (_run, { hosts }) => note(`${name} batch ${hosts.join()}`),
    beforeSteps: (_run, { host }, changes) => note(`${name} steps ${host} ${String(changes.length)}`),
    afterTask: (_run, { host }, { outcome }) => note(`${name} after ${host} ${outcome.status}`),
    end: (_run, { good }) => note(`${name} end ${good ? 'good' : 'bad'}`),
    ...more,
  };
  function note(text: string): Promise<void> {
    notes.push(text);
    return Promise.resolve();
  }
}

function refusal(message: string): LvsPlayError {
  return new LvsPlayError({ code: 'refused', kind: 'host', message });
}

describe('keepers of a run', () => {
  let shop: Workshop;
  let notes: string[];
  beforeEach(async () => {
    shop = await Workshop.open();
    notes = [];
  });
  afterEach(() => shop.close());

  it('begin in order, see every task, and end in reverse order', async () => {
    shop.keepers = [noting('a', notes), noting('b', notes)];
    await shop.deploy(TOUCH, { limit: ['h1'] });
    expect(notes).toEqual(['a begin h1', 'b begin h1', 'a batch h1', 'b batch h1', 'a steps h1 1', 'b steps h1 1', 'a after h1 changed', 'b after h1 changed', 'b end good', 'a end good']);
  });

  it('know that nothing will be changed', async () => {
    await shop.deploy(TOUCH, { limit: ['h1'] });
    shop.keepers = [noting('a', notes)];
    await shop.deploy(TOUCH, { limit: ['h1'] });
    expect(notes).toEqual(['a begin ', 'a batch h1', 'a after h1 ok', 'a end good']);
  });

  it('may refuse before anything is changed: those that had begun are ended', async () => {
    shop.keepers = [noting('a', notes), noting('b', notes, { begin: () => Promise.reject(refusal('h1 is locked by bob')) }), noting('c', notes)];
    const { errors, stopped } = await shop.deploy(TOUCH, { limit: ['h1'] });
    expect(errors.map((error) => error.message)).toEqual(['h1 is locked by bob']);
    expect(stopped).toBe('h1 is locked by bob');
    expect(notes).toEqual(['a begin h1', 'a end bad']);
    expect(shop.exists('h1')).toBe(false);
  });

  it('may fail a task before its steps', async () => {
    shop.keepers = [noting('a', notes, { beforeSteps: () => Promise.reject(refusal('not in the plan')) })];
    await shop.deploy(TOUCH, { limit: ['h1'] });
    expect(shop.finished().map(({ outcome }) => outcome.message)).toEqual(['not in the plan']);
    expect(shop.exists('h1')).toBe(false);
    expect(notes.at(-1)).toBe('a end bad');
  });

  it('may find at the end that the run went wrong: those that end later hear of it', async () => {
    const endings: RunEnding[] = [];
    const last: RunKeeper = {
      name: 'journal',
      end: (_run, ending) => {
        endings.push(ending);
        return Promise.resolve();
      },
    };
    shop.keepers = [last, { name: 'proof', end: () => Promise.reject(refusal('nobody answers')) }];
    const { errors } = await shop.deploy(TOUCH, { limit: ['h1'] });
    expect(errors.map((error) => error.message)).toEqual(['nobody answers']);
    expect(endings.map(({ good, error }) => [good, error])).toEqual([[false, errors[0]]]);
  });
});
