import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { compileRun } from '../../../src/plan/compile/compile.ts';
import { Scopes } from '../../../src/plan/scope.ts';
import { createTemplateEngine } from '../../../src/template/engine.ts';
import { Workshop } from '../apply/harness.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await Workshop.open();
});
afterEach(() => shop.close());

const HOSTS = 'all: { vars: { inventory: inventory, play: inventory }, children: { web: { hosts: { "h1.example": { own: "{{ inventory_hostname }}!" }, h2: { own: "{{ missing }}" } } } } }\n';
const NOTHING = { facts: new Map<string, Json>(), registered: new Map<string, Json>() };

async function scopeOf(book: string, memory = NOTHING, extraVars: JsonObject = {}, engine = createTemplateEngine()) {
  const input = await shop.input(book, { hosts: HOSTS, extraVars });
  const compiled = compileRun(input);
  const [play] = compiled.plays;
  const task = play?.tasks.at(-1);
  if (play === undefined || task === undefined) throw new Error('the playbook has no task');
  const scopes = new Scopes({ site: compiled.site, extraVars: input.extraVars, engine, dryRun: true, playbookDir: shop.dir });
  return scopes.taskScope({ host: 'h1.example', play, batch: ['h1.example'], task, loop: undefined }, memory);
}

describe('Scopes', () => {
  it('lays the variables over each other in the order of Ansible', async () => {
    // Each name is set in its own layer and in every one below it, so that its value must be its name.
    const order = ['role_default', 'inventory', 'play', 'vars_file', 'role', 'task', 'fact', 'registered', 'extra'];
    const upTo = (layer: string) => Object.fromEntries(order.slice(order.indexOf(layer)).map((name) => [name, layer]));
    await mkdir(shop.path('roles/r/defaults'), { recursive: true });
    for (const dir of ['vars', 'tasks']) await mkdir(shop.path(`roles/r/${dir}`), { recursive: true });
    await writeFile(shop.path('roles/r/defaults/main.yml'), JSON.stringify(upTo('role_default')));
    await writeFile(shop.path('roles/r/vars/main.yml'), JSON.stringify(upTo('role')));
    await writeFile(shop.path('roles/r/tasks/main.yml'), JSON.stringify([{ name: 't', command: 'true', vars: upTo('task') }]));
    await writeFile(shop.path('vars.yml'), JSON.stringify(upTo('vars_file')));
    await mkdir(shop.path('group_vars'));
    await writeFile(shop.path('group_vars/all.yml'), JSON.stringify(upTo('inventory')));
    const memory = { facts: new Map(Object.entries(upTo('fact'))), registered: new Map(Object.entries(upTo('registered'))) };
    const book = JSON.stringify([{ name: 'p', hosts: 'web', vars: upTo('play'), vars_files: ['vars.yml'], roles: ['r'] }]);
    const { vars } = await scopeOf(book, memory, upTo('extra'));
    for (const name of order) expect(vars[name], name).toBe(name);
  });

  it('has the magic variables, which nothing overrides', async () => {
    const { vars } = await scopeOf('- { name: p, hosts: web, tasks: [{ command: "true" }] }\n', NOTHING, { inventory_hostname: 'other' });
    expect(vars).toMatchObject({
      inventory_hostname: 'h1.example',
      inventory_hostname_short: 'h1',
      group_names: ['web'],
      groups: { all: ['h1.example', 'h2'], web: ['h1.example', 'h2'] },
      ansible_check_mode: true,
      ansible_play_name: 'p',
      ansible_play_hosts: ['h1.example', 'h2'],
      ansible_play_batch: ['h1.example'],
      playbook_dir: shop.dir,
    });
  });

  it('renders hostvars when they are asked for, and not before; one that cannot be rendered harms no other', async () => {
    const engine = createTemplateEngine();
    const render = vi.spyOn(engine, 'renderValue');
    const scope = await scopeOf('- { name: p, hosts: web, tasks: [{ command: "true" }] }\n', NOTHING, {}, engine);
    expect(render).not.toHaveBeenCalled();
    expect(engine.renderValue("{{ hostvars['h1.example'].own }}", scope)).toBe('h1.example!');
    expect(engine.renderValue('{{ hostvars.h2.inventory }}', scope)).toBe('inventory');
  });
});
