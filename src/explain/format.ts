import { needsOf } from './judge.ts';
import type { Explanation, Hop, Need, PacketPath } from './types.ts';

const MARK = { holds: 'ok  ', broken: 'FAIL', unknown: '-   ' } as const;

/** For people: the path of each kind as a ladder, then what every host needs. */
export function formatExplanation(explanation: Explanation): string {
  const groups = new Map<string, PacketPath[]>();
  for (const path of explanation.paths) {
    const kind = shape(path);
    groups.set(kind, [...(groups.get(kind) ?? []), path]);
  }
  return [
    `${explanation.service}: ${explanation.protocol.toUpperCase()} ${explanation.endpoints.join(', ')}, ${explanation.mode.toUpperCase()}`,
    ...explanation.about.map((sentence) => `  ${sentence}`),
    ...[...groups.values()].flatMap(ladder),
    '',
    'Needed on each host',
    ...needs(needsOf(explanation)),
    '',
  ].join('\n');
}

/** Paths that differ in nothing but the real server are told once. */
function shape(path: PacketPath): string {
  const [address = ''] = path.endpoint.split(/:\d+$/);
  return JSON.stringify([path.condition, path.hops.map(({ packet, rewritten, from, to }) => ({ packet, rewritten, from, to }))]).replaceAll(address, 'RIP').replaceAll(path.realServer, 'RS');
}

function ladder(paths: readonly PacketPath[]): string[] {
  const [path, ...others] = paths;
  if (path === undefined) return [];
  const weights = others.map(({ realServer, endpoint, weight }) => `${realServer} (${endpoint}, weight ${String(weight)})`);
  return [
    '',
    `To ${path.realServer} (${path.endpoint}, weight ${String(path.weight)})${path.condition === undefined ? '' : ` ${path.condition}`}`,
    ...path.hops.flatMap((hop, index) => rung(hop, index)),
    ...(weights.length === 0 ? [] : [`  The same way to ${weights.join(', ')}.`]),
  ];
}

function rung(hop: Hop, index: number): string[] {
  const title = `  ${String(index + 1)}. ${side(hop.from, hop.fromHosts)} -> ${side(hop.to, hop.toHosts)}`;
  const { packet } = hop;
  const rows: [string, string][] = [
    ...(packet?.outer === undefined ? [] : [['outer', `${packet.outer.source} -> ${packet.outer.destination}   ${packet.outer.encapsulation}`] as [string, string]]),
    ...(packet === undefined ? [] : [['packet', `${packet.source} -> ${packet.destination}`] as [string, string], ['MAC', `${packet.sourceMac} -> ${packet.destinationMac}`] as [string, string]]),
    ...(hop.rewritten.length === 0 ? [] : [['rewritten', hop.rewritten.join(', ')] as [string, string]]),
  ];
  return [title, ...rows.map(([name, text]) => `     ${name.padEnd(9)}  ${text}`)];
}

function side(role: Hop['from'], hosts: readonly string[]): string {
  return hosts.length === 0 ? role : `${role} ${hosts.join(' or ')}`;
}

function needs(all: readonly Need[]): string[] {
  const merged = mergedHosts(all);
  const hosts = [...new Set(merged.map((need) => need.hosts.join(', ')))];
  const told = new Set<string>();
  return hosts.flatMap((host) => [`  ${host}`, ...merged.filter((need) => need.hosts.join(', ') === host).flatMap((need) => needLines(need, told))]);
}

/** A reason is told the first time, and wherever a need does not hold. */
function needLines(need: Need, told: Set<string>): string[] {
  const mark = need.live === undefined ? '    ' : `    ${MARK[need.live.verdict]}  `;
  const text = `${mark}${need.kind.padEnd(8)}  ${need.what}${need.live === undefined ? '' : `: ${need.live.found}`}`;
  const withReason = need.live === undefined ? !told.has(need.why) : need.live.verdict === 'broken';
  told.add(need.why);
  return withReason ? [text, `${' '.repeat(mark.length + 10)}${need.why}`] : [text];
}

/** What several hosts need alike is one entry, unless it was looked at on each. */
function mergedHosts(all: readonly Need[]): readonly Need[] {
  const merged = new Map<string, Need>();
  for (const need of all) {
    const key = JSON.stringify([need.what, need.why, need.live === undefined ? undefined : need.hosts]);
    const before = merged.get(key);
    merged.set(key, before === undefined ? need : { ...before, hosts: [...new Set([...before.hosts, ...need.hosts])] });
  }
  return [...merged.values()];
}
