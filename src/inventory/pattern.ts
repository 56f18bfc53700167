import { isIPv6 } from 'node:net';
import { LvsPlayError, messageOf } from '../core/errors.ts';
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
 * @throws LvsPlayError `bad-pattern` for a regular expression that is none
 */
export function selectHosts(inventory: Inventory, pattern: string | readonly string[]): Selection {
  const parts = (typeof pattern === 'string' ? [pattern] : pattern).flatMap(splitPattern);
  const unmatched: string[] = [];
  const select = (part: string): readonly string[] => {
    const found = matching(inventory, part);
    if (found === undefined) unmatched.push(part);
    return found ?? [];
  };
  const plain = parts.filter((part) => !/^[&!]/.test(part));
  const chosen = (plain.length === 0 ? ['all'] : plain).flatMap((part) => (inventory.hosts.has(part) ? [part] : select(part)));
  const kept = parts.filter((part) => part.startsWith('&')).map((part) => new Set(select(part.slice(1))));
  const dropped = parts.filter((part) => part.startsWith('!')).map((part) => new Set(select(part.slice(1))));
  return { hosts: [...new Set(chosen)].filter((host) => kept.every((set) => set.has(host)) && !dropped.some((set) => set.has(host))), unmatched };
}

/** As Ansible: where there is a comma only commas separate, else colons do, but not in an IPv6 address, before a port or inside brackets. */
function splitPattern(pattern: string): string[] {
  if (pattern.includes(',')) return pattern.split(',').map((part) => part.trim()).filter((part) => part !== '');
  const trimmed = pattern.trim();
  if (isIPv6(trimmed) || /^[^\s:[\]]+:\d+$/.test(trimmed)) return [trimmed];
  return trimmed.match(/(?:[^\s:[\]]|\[[^\]]*\])+/g) ?? [];
}

/** Undefined: nothing of that name. */
function matching(inventory: Inventory, part: string): readonly string[] | undefined {
  const subscript = part.startsWith('~') ? null : /^(.+)\[(?:(-?\d+)|(\d+)[:-](\d*))\]$/.exec(part);
  const [, name = part, index, start, end] = subscript ?? [];
  const hosts = byName(inventory, name);
  if (hosts === undefined || subscript === null) return hosts;
  // An end of 0 counts as no end at all, in Ansible too.
  const single = index ?? (end !== undefined && end !== '' && Number(end) === 0 ? start : undefined);
  if (single !== undefined) {
    const host = hosts.at(Number(single));
    return host === undefined ? undefined : [host];
  }
  return hosts.slice(Number(start), end === undefined || end === '' ? undefined : Number(end) + 1);
}

const LOCALHOST: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

function byName(inventory: Inventory, part: string): readonly string[] | undefined {
  const test = tester(part);
  const groups = [...inventory.groups.values()].filter((group) => test(group.name));
  const hosts = groups.flatMap((group) => group.hosts);
  // A group's name means the group; a glob or regular expression means hosts and groups alike.
  if (groups.length === 0 || part.startsWith('~') || /[.?*[]/.test(part)) hosts.push(...[...inventory.hosts.keys()].filter(test));
  if (hosts.length > 0) return hosts;
  if (LOCALHOST.has(part)) return ['localhost'];
  return groups.length > 0 ? [] : undefined;
}

function tester(part: string): (name: string) => boolean {
  const regex = part.startsWith('~') ? expression(`^(?:${part.slice(1)})`, part) : /[*?[]/.test(part) ? expression(globSource(part), part) : undefined;
  return regex === undefined ? (name) => name === part : (name) => regex.test(name);
}

function globSource(glob: string): string {
  const source = glob.replaceAll(/\[(!?)(\]?[^\]]*)\]|[*?]|[.+^${}()|\\[\]]/g, (found, not: string | undefined, characters: string | undefined) => {
    if (found === '*') return '.*';
    if (found === '?') return '.';
    return characters === undefined ? `\\${found}` : `[${not === '!' ? '^' : ''}${characters.replaceAll(/[\\^\]]/g, '\\$&')}]`;
  });
  return `^${source}$`;
}

function expression(source: string, part: string): RegExp {
  try {
    return new RegExp(source, 's');
  } catch (cause) {
    throw new LvsPlayError({ code: 'bad-pattern', kind: 'input', message: `host pattern "${part}": ${messageOf(cause)}`, hint: 'check brackets and backslashes', cause });
  }
}
