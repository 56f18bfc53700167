import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compileRun } from '../../../src/plan/compile/compile.ts';
import type { RunInput } from '../../../src/plan/input.ts';
import { play, Workshop } from '../apply/harness.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await Workshop.open();
});
afterEach(() => shop.close());

const GROUPS = 'all: { children: { web: { hosts: { w2: {}, w1: {} } }, db: { hosts: { d1: {} } } } }\n';
const PAIR = `all:
  hosts: { lvs1: { ansible_host: 10.0.0.1 }, lvs2: { ansible_host: 10.0.0.2 }, rs1: { ansible_host: 10.0.0.3 } }
  vars:
    lvs:
      ha_pairs: { edge: { members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }, interface: eth0, virtual_router_id: 51, vips: [10.0.0.9] } }
      virtual_services: { web: { on: edge, address: "10.0.0.9:80", mode: dr, scheduler: rr, real_servers: { rs1: {} } } }
`;
const TASKS = ['{ name: one, command: "true", tags: a }', '{ name: two, command: "true", tags: b }'];

async function compile(book: string, hosts: string, more: Partial<RunInput> = {}) {
  return compileRun({ ...(await shop.input(book, { hosts })), ...more });
}

describe('compileRun', () => {
  it.each([
    ['all', [], ['w2', 'w1', 'd1']],
    ['web', [], ['w2', 'w1']],
    ['"all:!web"', [], ['d1']],
    ['"web:&w*"', ['w1'], ['w1']],
    ['all', ['db', 'w2'], ['w2', 'd1']],
    ['localhost', [], ['localhost']],
  ])('hosts: %s limited to %j are %j', async (pattern, limit, expected) => {
    expect((await compile(play(TASKS, [], pattern), GROUPS, { limit })).hosts).toEqual(expected);
  });

  it.each([
    ['inventory', ['w2', 'w1', 'd1']],
    ['reverse_inventory', ['d1', 'w1', 'w2']],
    ['sorted', ['d1', 'w1', 'w2']],
    ['reverse_sorted', ['w2', 'w1', 'd1']],
  ])('order: %s takes %j', async (order, expected) => {
    expect((await compile(play(TASKS, [`order: ${order}`]), GROUPS)).hosts).toEqual(expected);
  });

  it('takes the BACKUP first, batch by batch, and needs a topology for it', async () => {
    const book = play(TASKS, ['order: backup_first', 'serial: 1'], 'lvs_directors');
    expect((await compile(book, PAIR)).plays[0]?.batches).toEqual([['lvs2'], ['lvs1']]);
    await expect(compile(play(TASKS, ['order: backup_first']), GROUPS)).rejects.toMatchObject({ code: 'order-needs-topology', position: { line: 1 } });
  });

  it('warns of patterns that match nothing, and refuses a limit that leaves nobody', async () => {
    expect((await compile(play(TASKS, [], 'web:nobody'), GROUPS)).warnings).toEqual(['play "play": no host matches "nobody"']);
    expect((await compile(play(TASKS), GROUPS, { limit: ['w1', 'typo'] })).warnings).toEqual(['--limit: no host matches "typo"']);
    for (const limit of [['typo'], ['web:!web']]) {
      await expect(compile(play(TASKS), GROUPS, { limit })).rejects.toMatchObject({ code: 'limit-matches-nothing', kind: 'usage' });
    }
  });

  it('starts at a task, whichever play it is in, and refuses a name that is none', async () => {
    const book = `${play(TASKS)}\n${play(['{ name: three, command: "true" }', '{ name: four, command: "true" }'])}`;
    const names = async (startAtTask: string) => (await compile(book, GROUPS, { startAtTask })).plays.map((one) => one.tasks.map((task) => task.name));
    expect(await names('two')).toEqual([['two'], ['three', 'four']]);
    expect(await names('four')).toEqual([[], ['four']]);
    await expect(names('five')).rejects.toMatchObject({ code: 'unknown-task', kind: 'usage' });
  });

  it('keeps the tasks that the tags select', async () => {
    const names = async (more: Partial<RunInput>) => (await compile(play(TASKS), GROUPS, more)).plays[0]?.tasks.map((task) => task.name);
    expect(await names({ tags: ['b'] })).toEqual(['two']);
    expect(await names({ skipTags: ['b'] })).toEqual(['one']);
  });
});
