import type { Inventory } from './types.ts';

export interface Selection {
  /** In the inventory's order of the parts that named them. */
  readonly hosts: readonly string[];
  /** Parts of the pattern that match no host and no group. */
  readonly unmatched: readonly string[];
}

/**
 * Hosts that an Ansible host pattern selects: names and groups, `*` globs, `~regex`, `group[0]`, `group[0:2]` (inclusive), joined with `:` or `,`;
 * `&` keeps only, `!` takes away. Unions come first, then intersections, then exclusions, whatever the order written. Pure.
 */
export function selectHosts(inventory: Inventory, pattern: string | readonly string[]): Selection {
  const parts = (typeof pattern === 'string' ? [pattern] : pattern).flatMap(splitPattern);
  const unmatched: string[] = [];
  const select = (part: string): string[] => {
    const found = matching(inventory, part);
    if (found === undefined) unmatched.push(part);
    return found ?? [];
  };
  const plain = parts.filter((part) => !/^[&!]/.test(part));
  const chosen = plain.length === 0 ? [...inventory.hosts.keys()] : [...new Set(plain.flatMap(select))];
  const kept = parts.filter((part) => part.startsWith('&')).map((part) => new Set(select(part.slice(1))));
  const dropped = parts.filter((part) => part.startsWith('!')).map((part) => new Set(select(part.slice(1))));
  return { hosts: chosen.filter((host) => kept.every((set) => set.has(host)) && !dropped.some((set) => set.has(host))), unmatched };
}

/** Commas separate; colons do too, but not in an IPv6 address or inside brackets. */
function splitPattern(pattern: string): string[] {
  const parts = pattern.split(/,(?![^[]*\])/).flatMap((part) => {
    const trimmed = part.trim();
    if (trimmed.startsWith('~') || /^[&!]?[0-9a-fA-F]*:[0-9a-fA-F:.]*$/.test(trimmed)) return [trimmed];
    return trimmed.split(/:(?![^[]*\])/);
  });
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/** undefined: nothing of that name. */
function matching(inventory: Inventory, part: string): string[] | undefined {
  const subscript = /^(.+)\[(-?\d+)(?:(?::|-)(-?\d*))?\]$/.exec(part);
  if (subscript !== null && !part.startsWith('~') && !inventory.hosts.has(part)) {
    const [whole, name = '', first = '0', last] = subscript;
    const hosts = matching(inventory, name);
    if (hosts === undefined) return undefined;
    const isRange = /\[-?\d+[:-]/.test(whole);
    const from = Number(first);
    if (!isRange) return hosts.slice(from, from === -1 ? undefined : from + 1);
    return hosts.slice(from, last === undefined || last === '' || last === '-1' ? undefined : Number(last) + 1);
  }
  const test = tester(part);
  const groups = [...inventory.groups.values()].filter((group) => test(group.name));
  // A pattern that is a group's name means the group, and a glob means hosts and groups alike.
  const exact = groups.find((group) => group.name === part);
  if (exact !== undefined) return [...exact.hosts];
  const byHost = [...inventory.hosts.keys()].filter((host) => test(host));
  const hosts = [...new Set([...groups.flatMap((group) => group.hosts), ...byHost])];
  if (hosts.length > 0) return hosts;
  if (part === 'localhost' || part === '127.0.0.1') return ['localhost'];
  return part === 'all' || part === '*' || groups.length > 0 ? [] : undefined;
}

function tester(part: string): (name: string) => boolean {
  if (part === 'all') return () => true;
  if (part.startsWith('~')) {
    const regex = new RegExp(`^(?:${part.slice(1)})`);
    return (name) => regex.test(name);
  }
  if (!/[*?[]/.test(part)) return (name) => name === part;
  const regex = new RegExp(`^${part.replaceAll(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.').replaceAll('[!', '[^')}$`);
  return (name) => regex.test(name);
}
