import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import { selectHosts } from '../../../src/inventory/pattern.ts';
import { plainVars } from '../../../src/inventory/types.ts';

/** One process for all inventories and patterns: starting Ansible is slow. */
const ORACLE = `
import json, sys
from ansible.parsing.dataloader import DataLoader
from ansible.inventory.manager import InventoryManager
from ansible.vars.manager import VariableManager
from ansible.utils.display import Display
Display.verbosity = -1
answers = []
for case in json.load(sys.stdin):
    loader = DataLoader()
    manager = InventoryManager(loader=loader, sources=case['sources'])
    variables = VariableManager(loader=loader, inventory=manager)
    magic = set(variables.get_vars(include_hostvars=False)) | {'ansible_facts', 'inventory_file', 'inventory_dir', 'inventory_hostname', 'inventory_hostname_short', 'group_names'}
    hosts = manager.get_hosts('all')
    def ask(pattern):
        try:
            return [h.name for h in manager.get_hosts(pattern)]
        except Exception as error:
            return 'error: ' + str(error)
    answers.append({
        'hosts': [h.name for h in hosts],
        'vars': {h.name: {k: v for k, v in variables.get_vars(host=h, include_hostvars=False).items() if k not in magic} for h in hosts},
        'groups': {name: [h.name for h in group.get_hosts()] for name, group in manager.groups.items()},
        'patterns': {p: ask(p) for p in case['patterns']},
    })
print(json.dumps(answers))
`;

const GROUPS = ['web', 'db', 'edge', 'canary', 'spare'];
const VARIABLES = ['x', 'y', 'z'];

const vars = (who: string) =>
  fc.uniqueArray(fc.constantFrom(...VARIABLES), { maxLength: 3 }).map((names) => Object.fromEntries(names.map((name) => [name, `${name} of ${who}`])));
const hostNames = fc.constantFrom('rs1', 'rs2', 'rs3', 'lvs1', 'lvs2', 'db-a', 'rs[1:3]', 'rs[01:03]', 'db-[a:c]', 'n[1:9:4]', 'web[1:2].example');
const hosts = fc.uniqueArray(hostNames, { maxLength: 3 }).chain((names) =>
  fc.tuple(...names.map((name) => fc.option(vars(name), { nil: null }))).map((values) => Object.fromEntries(names.map((name, index) => [name, values[index] ?? null])) as JsonObject),
);

/**
 * Groups may have later groups as children: no circles. Below the first level Ansible's order of hosts hangs on the hashes of a set, so only
 * `parent` has children where the order is compared.
 */
function group(name: string, index: number, parent: string | undefined): fc.Arbitrary<JsonObject> {
  return fc
    .record({
      hosts: fc.option(hosts, { nil: undefined }),
      vars: fc.option(
        fc.tuple(vars(name), fc.option(fc.constantFrom(1, 2, 10), { nil: undefined })).map(([own, priority]) => (priority === undefined ? own : { ...own, ansible_group_priority: priority })),
        { nil: undefined },
      ),
      children: parent !== undefined && name !== parent ? fc.constant(undefined) : fc.option(
        fc.uniqueArray(fc.constantFrom(...GROUPS.slice(index + 1), 'leaf'), { maxLength: 2 }).map((names) => Object.fromEntries(names.map((child) => [child, null]))),
        { nil: undefined },
      ),
    })
    .map((parts) => Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as JsonObject);
}

interface Layout {
  readonly inventory: JsonObject;
  /** Ansible's order of hosts is the same each time. */
  readonly ordered: boolean;
  readonly files: readonly (readonly [string, JsonObject])[];
}

const layout: fc.Arbitrary<Layout> = fc
  .tuple(
    fc.record({ hosts: fc.option(hosts, { nil: undefined }), vars: fc.option(vars('all'), { nil: undefined }) }),
    fc.tuple(fc.uniqueArray(fc.nat(GROUPS.length - 1), { minLength: 1, maxLength: 5 }), fc.boolean()).chain(([chosen, ordered]) =>
      fc
        .tuple(...chosen.map((index) => group(GROUPS[index] ?? '', index, ordered ? GROUPS[chosen[0] ?? 0] : undefined)))
        .map((groups) => ({ ordered, groups: Object.fromEntries(chosen.map((index, at) => [GROUPS[index] ?? '', groups[at] ?? null])) })),
    ),
    fc.boolean(),
    fc.uniqueArray(fc.constantFrom('group_vars/all.yml', 'group_vars/all/b.yml', 'group_vars/web.yml', 'group_vars/web/a.yml', 'group_vars/db', 'group_vars/canary.yaml', 'group_vars/ungrouped.yml', 'host_vars/rs1.yml', 'host_vars/lvs1/a.yml', 'host_vars/lvs1/b.yml', 'host_vars/db-a.json'), {
      maxLength: 5,
    }),
  )
  .chain(([all, { ordered, groups }, nested, files]) => {
    const top = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as JsonObject;
    const inventory: JsonObject = nested ? { all: { ...top, children: groups } } : { all: top, ...groups };
    return fc.tuple(...files.map((file) => vars(file))).map((contents): Layout => ({ inventory, ordered, files: files.map((file, index) => [file, contents[index] ?? {}] as const) }));
  });

const pattern = fc
  .array(fc.tuple(fc.constantFrom('', '', '&', '!'), fc.constantFrom('all', '*', ...GROUPS, 'leaf', 'rs1', 'lvs1', 'rs*', 'db-?', '~rs[12]', 'w*', 'rs*,lvs1', 'web[0]', 'all[0]', 'all[-1]', 'all[1:2]', 'all[1:]', 'db[0:1]', 'ungrouped', 'lvs[12]')), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.map(([sign, name]) => sign + name).join(':'));

const COUNT = 60;
const cases = fc.sample(fc.tuple(layout, fc.array(pattern, { minLength: 12, maxLength: 12 })), { numRuns: COUNT, seed: 2026 });

interface Answer {
  readonly hosts: readonly string[];
  readonly vars: JsonObject;
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly patterns: Readonly<Record<string, readonly string[] | string>>;
}

let root: string;
let answers: Answer[];
beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-inventories-'));
  for (const [index, [one]] of cases.entries()) {
    const dir = path.join(root, String(index));
    await mkdir(dir);
    await writeFile(path.join(dir, 'hosts.yml'), JSON.stringify(one.inventory));
    for (const [file, content] of one.files) {
      await mkdir(path.join(dir, path.dirname(file)), { recursive: true });
      await writeFile(path.join(dir, file), JSON.stringify(content));
    }
  }
  const input = JSON.stringify(cases.map(([, patterns], index) => ({ sources: [path.join(root, String(index), 'hosts.yml')], patterns })));
  const child = promisify(execFile)('/usr/bin/python3', ['-W', 'ignore', '-c', ORACLE], { maxBuffer: 1e8, env: { ...process.env, ANSIBLE_LOCALHOST_WARNING: 'false' } });
  child.child.stdin?.end(input);
  answers = JSON.parse((await child).stdout) as Answer[];
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('generated inventories, the same as ansible-core', () => {
  it.each(Array.from({ length: COUNT }, (_, index) => index))('inventory %i', async (index) => {
    const theirs = answers[index]!;
    const [one, patterns] = cases[index]!;
    const about = JSON.stringify(one);
    const inventory = await loadInventory([path.join(root, String(index), 'hosts.yml')]);
    const inOrder = (hosts: readonly string[]): readonly string[] => (one.ordered ? hosts : [...hosts].sort());
    expect(inOrder(inventory.groups.get('all')?.hosts ?? []), about).toEqual(inOrder(theirs.hosts));
    const ours: Record<string, Json> = Object.fromEntries([...inventory.hosts].map(([name, host]) => [name, plainVars(host.vars)]));
    expect(ours, about).toEqual(theirs.vars);
    const members = (groups: Iterable<readonly [string, readonly string[]]>): Json => Object.fromEntries([...groups].map(([name, hosts]) => [name, [...inOrder(hosts)]]));
    expect(members([...inventory.groups].map(([name, group]) => [name, group.hosts] as const)), about).toEqual(members(Object.entries(theirs.groups)));
    for (const text of patterns.filter((one_) => one.ordered || !/\[-?\d/.test(one_))) {
      const answer = theirs.patterns[text]!;
      const selected = selectHosts(inventory, text);
      if (typeof answer === 'string') expect(selected.unmatched, `${text}: ${answer}`).not.toEqual([]);
      else expect(inOrder(selected.hosts), `${text} of ${about}`).toEqual(inOrder(answer));
    }
  });
});
