import { printLines } from '../keepalived/conf/print.ts';
import { type ConfNode, linesOf } from '../keepalived/conf/tree.ts';
import { child, configOf, confNodes, endpoint, serversOf, serviceTitle } from './config.ts';

/**
 * How a change of a pair's configuration is made without two directors holding a virtual IP at once.
 * serial: adverts stay as they are: one director after the other, BACKUP first. simultaneous: adverts of the old and the new configuration do not match,
 * so that each director would take itself for alone: all members reload at the same moment. disruptive: even then no director holds the virtual
 * IPs for a while: the others are stopped, the holder reloads, the others start.
 * Measured with keepalived 2.2.7; see docs/pairs.md.
 */
export type PairClass = 'none' | 'serial' | 'simultaneous' | 'disruptive';

export interface PairChange {
  readonly class: PairClass;
  /** What decides, in words: `edge: virtual IPs change`. */
  readonly reasons: readonly string[];
  /** Real servers that leave a service: `TCP 192.168.0.38:80` -> `192.168.0.18:80`. Their connections would be cut. */
  readonly leaving: ReadonlyMap<string, readonly string[]>;
  /** Seconds for which nobody may hold the virtual IPs of an instance; 0 unless disruptive. */
  readonly outage: number;
}

const ORDER: readonly PairClass[] = ['none', 'serial', 'simultaneous', 'disruptive'];

/** Statements of an instance and what changing them does; all others are `serial`. */
const STATEMENTS: Readonly<Record<string, { readonly class: PairClass; readonly words: string }>> = {
  virtual_router_id: { class: 'disruptive', words: 'the virtual_router_id changes' },
  interface: { class: 'disruptive', words: 'the interface changes' },
  use_vmac: { class: 'disruptive', words: 'the virtual MAC changes' },
  vmac_xmit_base: { class: 'disruptive', words: 'the virtual MAC changes' },
  version: { class: 'simultaneous', words: 'the VRRP version changes' },
  native_ipv6: { class: 'simultaneous', words: 'the address family of the adverts changes' },
  advert_int: { class: 'simultaneous', words: 'advert_int changes' },
  authentication: { class: 'simultaneous', words: 'the password changes' },
  virtual_ipaddress: { class: 'simultaneous', words: 'the virtual IPs change' },
  unicast_peer: { class: 'simultaneous', words: 'the unicast peers change' },
  unicast_src_ip: { class: 'simultaneous', words: 'the source of the adverts changes' },
  mcast_src_ip: { class: 'simultaneous', words: 'the source of the adverts changes' },
};

const GLOBALS: Readonly<Record<string, string>> = {
  vrrp_mcast_group4: 'the multicast group changes',
  vrrp_mcast_group6: 'the multicast group changes',
  vrrp_version: 'the VRRP version changes',
  vrrp_check_unicast_src: 'what adverts are accepted changes',
  vrrp_strict: 'what adverts are accepted changes',
};

/**
 * How to get from one keepalived.conf to another. Pure.
 * @throws LvsPlayError for a file whose braces do not match
 */
export function classifyChange(before: string, after: string): PairChange {
  const [old, wanted] = [confNodes(before, 'before'), confNodes(after, 'after')];
  const found = [...instanceChanges(old, wanted), ...globalChanges(old, wanted)];
  const strongest = found.reduce<PairClass>((most, { class: one }) => (ORDER.indexOf(one) > ORDER.indexOf(most) ? one : most), textOf(old) === textOf(wanted) ? 'none' : 'serial');
  const disruptive = new Set(found.flatMap((one) => (one.class === 'disruptive' ? [one.instance] : [])));
  return {
    class: strongest,
    reasons: [...new Set(found.filter((one) => one.class === strongest).map(({ instance, words }) => (instance === '' ? words : `${instance}: ${words}`)))],
    leaving: leavingServers(old, wanted),
    outage: Math.max(0, ...configOf(wanted).instances.filter(({ name }) => disruptive.has(name)).map(masterDown)),
  };
}

/** Seconds after which a director that hears no advert takes over (RFC 3768, 5.3.1: three intervals and the skew). */
export function masterDown({ advertInterval, priority }: { readonly advertInterval: number; readonly priority: number }): number {
  return ((3 + (256 - priority) / 256) * advertInterval) / 1000;
}

interface Found {
  readonly instance: string;
  readonly class: PairClass;
  readonly words: string;
}

function instanceChanges(old: readonly ConfNode[], wanted: readonly ConfNode[]): Found[] {
  const [before, after] = [instancesOf(old), instancesOf(wanted)];
  return [...after].flatMap(([name, node]): Found[] => {
    const was = before.get(name);
    // A new one is alone on its first director until the second has it; one that goes leaves the BACKUP first.
    if (was === undefined) return [];
    return Object.entries(STATEMENTS).flatMap(([statement, change]) => (same(child(was, statement), child(node, statement)) ? [] : [{ instance: name, ...change }]));
  });
}

function globalChanges(old: readonly ConfNode[], wanted: readonly ConfNode[]): Found[] {
  const globals = (nodes: readonly ConfNode[]): ConfNode | undefined => nodes.find(({ words }) => words[0] === 'global_defs');
  const [before, after] = [globals(old), globals(wanted)];
  const one = (node: ConfNode | undefined, name: string): ConfNode | undefined => (node === undefined ? undefined : child(node, name));
  return Object.entries(GLOBALS).flatMap(([name, words]) => (same(one(before, name), one(after, name)) ? [] : [{ instance: '', class: 'simultaneous' as const, words }]));
}

function instancesOf(nodes: readonly ConfNode[]): ReadonlyMap<string, ConfNode> {
  return new Map(nodes.filter(({ words }) => words[0] === 'vrrp_instance').map((node) => [node.words[1] ?? '', node]));
}

/** Servers that a service has before and not after; those of a service that goes as a whole are not among them: nothing is left to answer for it. */
function leavingServers(old: readonly ConfNode[], wanted: readonly ConfNode[]): ReadonlyMap<string, readonly string[]> {
  const after = new Map(servicesOf(wanted).map((node) => [serviceTitle(node), new Set(serversOf(node).map(nameOfServer))]));
  return new Map(
    servicesOf(old).flatMap((node): [string, string[]][] => {
      const stay = after.get(serviceTitle(node));
      const leaving = stay === undefined ? [] : serversOf(node).map(nameOfServer).filter((server) => !stay.has(server));
      return leaving.length === 0 ? [] : [[serviceTitle(node), leaving]];
    }),
  );
}

/** The old configuration with the servers that leave at weight 0: they keep what they have and get nothing new. */
export function quiesced(before: string, leaving: PairChange['leaving']): string {
  const nodes = confNodes(before, 'before').map((node) => {
    const servers = leaving.get(serviceTitle(node));
    if (node.words[0] !== 'virtual_server' || servers === undefined) return node;
    return { ...node, body: (node.body ?? []).map((one) => (one.words[0] === 'real_server' && servers.includes(nameOfServer(one)) ? withWeight(one, '0') : one)) };
  });
  return printLines(linesOf(nodes));
}

function withWeight(server: ConfNode, weight: string): ConfNode {
  const rest = (server.body ?? []).filter(({ words }) => words[0] !== 'weight');
  return { ...server, body: [{ position: server.position, words: ['weight', weight], text: `weight ${weight}`, body: undefined, comments: [] }, ...rest] };
}

function servicesOf(nodes: readonly ConfNode[]): readonly ConfNode[] {
  return nodes.filter(({ words }) => words[0] === 'virtual_server');
}

function nameOfServer({ words }: ConfNode): string {
  return endpoint(words[1] ?? '', Number(words[2] ?? 0));
}

function same(a: ConfNode | undefined, b: ConfNode | undefined): boolean {
  return textOf(a === undefined ? [] : [a]) === textOf(b === undefined ? [] : [b]);
}

/** Without comments and blanks. */
function textOf(nodes: readonly ConfNode[]): string {
  return JSON.stringify(nodes.map(plain));
}

function plain(node: ConfNode): unknown {
  return node.body === undefined ? node.words : [node.words, node.body.map(plain)];
}
