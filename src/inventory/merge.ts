import { LvsPlayError } from '../core/errors.ts';
import type { Located } from '../core/located.ts';
import type { RawInventory } from './source.ts';
import type { Group, Host } from './types.ts';

type Vars = ReadonlyMap<string, Located>;

/** Variables found in files beside an inventory or a playbook: by group and by host. */
export interface SideVars {
  readonly groups: ReadonlyMap<string, Vars>;
  readonly hosts: ReadonlyMap<string, Vars>;
}

/** Groups joined to trees: `all` above everything, `ungrouped` for hosts that are in no other. Hosts in Ansible's order. Pure. */
export function joinGroups(raw: RawInventory): ReadonlyMap<string, Group> {
  refuseLoops(raw);
  const grouped = new Set([...raw.groups].filter(([name]) => name !== 'all' && name !== 'ungrouped').flatMap(([, group]) => [...group.hosts]));
  const owned = new Set([...raw.groups].filter(([parent]) => parent !== 'all').flatMap(([, group]) => [...group.children]));
  const childrenOf = (name: string): string[] => {
    const own = [...(raw.groups.get(name)?.children ?? [])];
    if (name !== 'all') return own;
    return [...new Set(['ungrouped', ...own, ...[...raw.groups.keys()].filter((group) => group !== 'all' && !owned.has(group))])];
  };
  const ownHosts = (name: string): string[] => {
    const own = [...(raw.groups.get(name)?.hosts ?? [])];
    if (name !== 'ungrouped') return own;
    return [...new Set([...own, ...raw.hosts.keys()])].filter((host) => !grouped.has(host));
  };
  return new Map(
    [...raw.groups].map(([name, group]) => [name, { name, children: childrenOf(name), hosts: [...new Set(levels(name, childrenOf).flatMap(ownHosts))], vars: group.vars }]),
  );
}

/** A group and all groups below it, level by level. */
function levels(top: string, childrenOf: (name: string) => readonly string[]): string[] {
  const seen = new Set([top]);
  for (const name of seen) for (const child of childrenOf(name)) seen.add(child);
  return [...seen];
}

function refuseLoops(raw: RawInventory): void {
  const visit = (name: string, above: readonly string[]): void => {
    if (above.includes(name)) {
      throw new LvsPlayError({ code: 'bad-inventory', kind: 'input', message: `groups contain each other: ${[...above, name].join(' -> ')}`, hint: 'remove one of the children' });
    }
    for (const child of raw.groups.get(name)?.children ?? []) visit(child, [...above, name]);
  };
  for (const name of raw.groups.keys()) visit(name, []);
}

/**
 * Hosts with their variables, by Ansible's precedence, lowest first: inventory `all`, inventory groups, group_vars/all, group_vars/GROUP (beside the inventory,
 * then beside the playbook), inventory host, host_vars. Groups merge by depth, then `ansible_group_priority`, then name. Pure.
 */
export function mergeHosts(raw: RawInventory, groups: ReadonlyMap<string, Group>, sides: readonly SideVars[]): ReadonlyMap<string, Host> {
  const depths = depthsOf(groups);
  const priority = (name: string): number => {
    const value = groups.get(name)?.vars.get('ansible_group_priority')?.value;
    return typeof value === 'number' ? value : 1;
  };
  const members = new Map([...groups.values()].map((group) => [group.name, new Set(group.hosts)]));
  const order = [...groups.keys()].sort(
    (a, b) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0) || priority(a) - priority(b) || (a < b ? -1 : 1),
  );
  return new Map(
    [...raw.hosts].map(([name, own]) => {
      const mine = order.filter((group) => members.get(group)?.has(name) === true);
      const others = mine.filter((group) => group !== 'all');
      const merged = new Map<string, Located>();
      const add = (vars: Vars | undefined): void => {
        for (const [variable, value] of vars ?? []) if (variable !== 'ansible_group_priority') merged.set(variable, value);
      };
      add(groups.get('all')?.vars);
      for (const group of others) add(groups.get(group)?.vars);
      for (const side of sides) add(side.groups.get('all'));
      for (const side of sides) for (const group of others) add(side.groups.get(group));
      add(own);
      for (const side of sides) add(side.hosts.get(name));
      return [name, { name, groups: mine, vars: merged }];
    }),
  );
}

/** The longest way from `all`: a child's variables win over its parents'. */
function depthsOf(groups: ReadonlyMap<string, Group>): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  const visit = (name: string, depth: number): void => {
    if ((depths.get(name) ?? -1) >= depth) return;
    depths.set(name, depth);
    for (const child of groups.get(name)?.children ?? []) visit(child, depth + 1);
  };
  visit('all', 0);
  return depths;
}
