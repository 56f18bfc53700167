import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assess, guardKeeper } from '../../../src/apply/guards.ts';
import { makePlan } from '../../../src/apply/run.ts';
import { savedPlanKeeper } from '../../../src/apply/saved-plan.ts';
import { InputErrors } from '../../../src/core/errors.ts';
import type { RunInput } from '../../../src/plan/input.ts';
import { appliedBy } from '../../../src/plan/saved/file.ts';
import { makeSavedPlan } from '../../../src/plan/saved/make.ts';
import type { SavedPlan } from '../../../src/plan/saved/types.ts';
import { play, Workshop } from './harness.ts';

const COMMAND = { playbook: 'play.yml', inventories: ['hosts.yml'], limit: [], tags: [], skipTags: [], startAtTask: null, forks: 5, user: null, become: false, becomeUser: null, askBecomePass: false, askPass: false, privateKey: null, vaultPasswordFiles: [], allow: [], reason: null };

describe('carrying out a saved plan', () => {
  let shop: Workshop;
  beforeEach(async () => {
    shop = await Workshop.open();
  });
  afterEach(() => shop.close());

  const extraVars = (input: RunInput) => ({ files: [], inline: {}, merged: input.extraVars });

  async function save(playbook: string): Promise<SavedPlan> {
    const input = await shop.input(playbook);
    const { prepared } = await makePlan(input, () => undefined);
    return makeSavedPlan({ prepared, inputs: input.inputs.list(), secrets: input.secrets, command: COMMAND, extraVars: extraVars(input), revision: null, ...assess(prepared, input, []), tool: '1', author: 'bob@ops1', directory: '/', now: new Date(), expiresIn: 60 });
  }

  async function apply(plan: SavedPlan, playbook: string) {
    const input = await shop.input(playbook);
    shop.keepers = [guardKeeper({ allow: [], onAllowed: () => undefined }), savedPlanKeeper({ file: shop.path('c.plan'), plan, tool: '1', extraVars: extraVars(input) })];
    return shop.deploy(playbook);
  }

  const messages = (errors: readonly Error[]): string[] => errors.flatMap((error): readonly Error[] => (error instanceof InputErrors ? error.errors : [error])).map((error) => error.message.replaceAll(shop.dir, ''));
  const WRITE = play(["{ name: write, copy: { content: a, dest: '{{ dir }}/{{ inventory_hostname }}' } }"]);

  it('does what it lists, and not a second time', async () => {
    const plan = await save(WRITE);
    expect(shop.exists('h1')).toBe(false);
    expect((await apply(plan, WRITE)).errors).toEqual([]);
    expect(shop.outcomes().sort()).toEqual(['h1 write changed', 'h2 write changed', 'h3 write changed']);
    expect(await appliedBy(shop.path('c.plan'), plan)).toMatchObject({ run: 'test' });
    const [first, ...rest] = messages((await apply(plan, WRITE)).errors);
    expect(first).toMatch(/^\/c\.plan is not carried out: it was carried out at \S+ already, by run test$/);
    expect(rest).toContain('h1: path /h1 was absent, is file 0644 root:root');
  });

  it('is refused for a host and a file that changed, and nothing is done', async () => {
    const plan = await save(WRITE);
    await writeFile(shop.path('h2'), 'by hand');
    const { errors } = await apply(plan, `${WRITE}# another\n`);
    expect(messages(errors)).toEqual(['/c.plan is not carried out: /play.yml changed', 'h2: content of /h2 changed', 'h2: path /h2 was absent, is file 0644 root:root']);
    expect([shop.exists('h1'), shop.exists('h3'), await shop.text('h2')]).toEqual([false, false, 'by hand']);
  });

  const race = "{ name: race, shell: { cmd: 'echo other >{{ dir }}/{{ inventory_hostname }}' } }";

  it('fails a task that would come out as something else by the time it has its turn, before it does any of it', async () => {
    // Lines that are already there are kept, so that the file would be another one.
    const racing = play([race, "{ name: keep, sysctl: { name: kernel.lvs_play_test, value: 1, sysctl_file: '{{ dir }}/{{ inventory_hostname }}' } }"]);
    const plan = await save(racing);
    const { recap } = await apply(plan, racing);
    expect(recap['h1']).toMatchObject({ failed: 1 });
    expect(shop.finished().find(({ name }) => name === 'keep')?.outcome.message).toMatch(/^the plan does not say this: .*nothing of it was done$/);
    expect(await shop.text('h1')).toBe('other\n');
  });

  it('carries out a task that starts from something else than the plan could know, when it comes out as the plan says', async () => {
    const racing = play([race, "{ name: write, copy: { content: a, dest: '{{ dir }}/{{ inventory_hostname }}', mode: '0640' } }"]);
    const plan = await save(racing);
    expect(plan.plan.plays[0]?.tasks.find(({ task }) => task.name === 'write')).toMatchObject({ predicted: true });
    expect((await apply(plan, racing)).recap['h1']).toMatchObject({ failed: 0, changed: 2 });
    expect(await shop.text('h1')).toBe('a');
  });

  it.each([
    ['a command that only asks', '{ name: it, command: echo b, changed_when: false }', 'ok'],
    ['a command whose work is done', '{ name: it, command: { cmd: echo b, creates: / } }', 'ok'],
    ['a command whose work is due', "{ name: it, command: { cmd: 'touch {{ dir }}/done', creates: '{{ dir }}/done' } }", 'changed'],
    ['a file that counts as no change', "{ name: it, copy: { content: a, dest: '{{ dir }}/{{ inventory_hostname }}' }, changed_when: false }", 'ok'],
  ])('carries out %s', async (_title, task, status) => {
    const book = play([task]).replace('hosts: all', 'hosts: h1');
    const plan = await save(book);
    expect((await apply(plan, book)).errors).toEqual([]);
    expect(shop.outcomes()).toContain(`h1 it ${status}`);
  });

  it('lets tasks that hang on results do what these say', async () => {
    const deferred = play(["{ name: ask, command: echo b, register: told }", "{ name: write, copy: { content: '{{ told.stdout }}', dest: '{{ dir }}/{{ inventory_hostname }}' } }"]);
    const plan = await save(deferred);
    expect((await apply(plan, deferred)).errors).toEqual([]);
    expect(await shop.text('h1')).toBe('b');
  });
});
