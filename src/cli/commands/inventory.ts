import { Command, Option } from 'commander';
import { LvsPlayError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { suggest } from '../../core/text/suggest.ts';
import { plainVars, type Group, type Host, type Inventory } from '../../inventory/types.ts';
import { commonOptions, requireInventory, withInventory, type RawOptions } from '../input/options.ts';
import { printResult, processSecrets } from '../output.ts';

interface InventoryFlags extends RawOptions {
  readonly list?: true;
  readonly graph?: true;
  readonly host?: string;
}

/** `lvs-play inventory --list | --graph | --host NAME`: what was read, as `ansible-inventory` shows it, passwords masked. */
export function inventoryCommand(): Command {
  return withInventory(new Command('inventory').description('show hosts, groups and variables'))
    .addOption(new Option('--list', 'all groups and host variables as JSON').conflicts(['graph', 'host']))
    .addOption(new Option('--graph', 'groups and hosts as a tree (the default)').conflicts('host'))
    .addOption(new Option('--host <name>', 'the variables of a host as JSON'))
    .action(async (raw: InventoryFlags) => {
      const options = commonOptions(raw, process.env);
      requireInventory(options);
      const { readInventory } = await import('../input/run-input.ts');
      const { inventory, extraVars } = await readInventory(options);
      printResult(processSecrets.mask(show(inventory, extraVars, raw)));
    });
}

function show(inventory: Inventory, extraVars: JsonObject, flags: InventoryFlags): string {
  if (flags.host !== undefined) return json({ ...plainVars(hostNamed(inventory, flags.host).vars), ...extraVars });
  return flags.list === true ? json(inventoryList(inventory)) : inventoryGraph(inventory);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function hostNamed(inventory: Inventory, name: string): Host {
  const host = inventory.hosts.get(name);
  if (host !== undefined) return host;
  const near = suggest(name, inventory.hosts.keys());
  throw new LvsPlayError({ code: 'unknown-host', kind: 'usage', message: `no host is called "${name}"`, hint: near === undefined ? '--graph shows the hosts' : `did you mean "${near}"?` });
}

/** The document of `ansible-inventory --list`: groups with hosts and children, and `_meta.hostvars`. Pure. */
export function inventoryList(inventory: Inventory): JsonObject {
  const groups = [...inventory.groups.values()].map((group): [string, JsonObject] => {
    const hosts = directHosts(inventory, group);
    const children = childrenOf(inventory, group);
    return [group.name, { ...(children.length === 0 ? {} : { children }), ...(hosts.length === 0 || group.name === 'all' ? {} : { hosts }) }];
  });
  const hostvars = Object.fromEntries([...inventory.hosts.values()].map((host) => [host.name, plainVars(host.vars)]));
  return { _meta: { hostvars }, ...Object.fromEntries(groups.filter(([name, group]) => name === 'all' || Object.keys(group).length > 0)) };
}

/** The tree of `ansible-inventory --graph`. Pure. */
export function inventoryGraph(inventory: Inventory): string {
  const lines: string[] = [];
  const add = (group: Group, depth: number): void => {
    lines.push(`${indent(depth)}@${group.name}:`);
    for (const name of childrenOf(inventory, group)) {
      const child = inventory.groups.get(name);
      if (child !== undefined) add(child, depth + 1);
    }
    if (group.name !== 'all') for (const host of directHosts(inventory, group)) lines.push(`${indent(depth + 1)}${host}`);
  };
  const all = inventory.groups.get('all');
  if (all !== undefined) add(all, 0);
  return `${lines.join('\n')}\n`;
}

function indent(depth: number): string {
  return depth === 0 ? '' : `${'  |'.repeat(depth)}--`;
}

/** Every group without a parent hangs on `all`, which does not have to name it. */
function childrenOf(inventory: Inventory, group: Group): string[] {
  if (group.name !== 'all') return [...group.children];
  const below = new Set([...inventory.groups.values()].filter((other) => other.name !== 'all').flatMap((other) => other.children));
  const orphans = [...inventory.groups.keys()].filter((name) => name !== 'all' && !below.has(name));
  return [...new Set([...orphans, ...group.children])];
}

function directHosts(inventory: Inventory, group: Group): string[] {
  const inChildren = new Set(group.children.flatMap((name) => inventory.groups.get(name)?.hosts ?? []));
  return group.hosts.filter((host) => !inChildren.has(host));
}
