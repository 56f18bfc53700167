import type { Json, JsonObject } from '../../core/json.ts';
import type { ConfNode } from '../../lvs/keepalived/conf/tree.ts';
import { formatEndpoint, parseIp } from '../../lvs/model/ip.ts';
import { prefixOfNetmask } from '../../lvs/model/netmask.ts';
import { serviceName } from '../cluster/names.ts';
import type { KeepalivedMark, Note } from '../types.ts';
import { Block } from './block.ts';
import { type CheckDefaults, readChecks } from './checks.ts';
import type { InstanceRead } from './instance.ts';
import { commandOf, given } from './values.ts';

interface Context {
  readonly groups: ReadonlyMap<string, ConfNode>;
  readonly instances: readonly InstanceRead[];
  readonly user: string | undefined;
  readonly taken: readonly string[];
}

/** Where clients come in: an address with its port, or a mark. */
type Place = { readonly address: string; readonly port: number } | { readonly mark: number };

export interface ServerRead {
  readonly name: string;
  readonly service: JsonObject;
  readonly mark: KeepalivedMark | undefined;
}

/** `virtual_server`: a service, or several when it names a group. */
export function readServer(node: ConfNode, context: Context, notes: Note[]): ServerRead[] {
  const block = new Block(node.body ?? [], node.text, notes);
  const family = block.text('ip_family');
  const six = family === 'inet6';
  const places = placesOf(node, context, block);
  const protocol = (block.text('protocol') ?? 'TCP').toLowerCase();
  const common = options(block, places[0], context.user, six);
  const servers = block.all('real_server');
  block.end();
  const taken = [...context.taken];
  const nat = common.service['mode'] === 'nat';
  const withServers = (port: number): JsonObject => ({ ...common.service, ...realServers(servers, { port, nat, user: context.user, defaults: common.defaults, inhibit: common.inhibit }, notes) });
  return places.map((place): ServerRead => {
    const name = serviceName('mark' in place ? { protocol: 'fwm', port: place.mark } : { protocol, port: place.port }, new Set(taken));
    taken.push(name);
    if ('mark' in place) {
      // Without ip_family keepalived takes the real servers'.
      const inner = six || (family === undefined && servers.some(({ words }) => words[1]?.includes(':') === true)) ? 6 : 4;
      return { name, service: { fwmark: place.mark, ...withServers(0) }, mark: { mark: place.mark, family: inner, position: node.position, text: node.text } };
    }
    const pair = context.instances.find(({ addresses }) => addresses.includes(place.address));
    block.understood(node, `virtual service ${name}`);
    return {
      name,
      service: { ...(pair === undefined ? {} : { on: pair.name }), address: formatEndpoint(place.address, place.port), ...(protocol === 'tcp' ? {} : { protocol }), ...withServers(place.port) },
      mark: undefined,
    };
  });
}

function placesOf(node: ConfNode, { groups }: Context, block: Block): Place[] {
  const [, first = '', second = ''] = node.words;
  if (first === 'fwmark') return [{ mark: Number(second) }];
  if (first !== 'group') {
    const ip = parseIp(first);
    if (ip !== undefined) return [{ address: ip.address, port: Number(second || '0') }];
    block.unread(node, 'it names no address');
    return [];
  }
  const group = groups.get(second);
  if (group === undefined) {
    block.unread(node, `there is no virtual_server_group ${second}`);
    return [];
  }
  return (group.body ?? []).flatMap((line): Place[] => {
    const [address = '', port = '0'] = line.words;
    if (address === 'fwmark') return [{ mark: Number(port) }];
    const ip = parseIp(address);
    if (ip !== undefined) return [{ address: ip.address, port: Number(port) }];
    block.unread(line, 'ranges of addresses are not in the model: write a service for each');
    return [];
  });
}

function options(block: Block, place: Place | undefined, user: string | undefined, six: boolean): { service: JsonObject; defaults: CheckDefaults; inhibit: boolean } {
  const [kind = 'NAT', ...tunnel] = (block.text('lb_kind', 'lvs_method') ?? 'NAT').split(' ');
  const flags = ['sh-port', 'sh-fallback', 'mh-port', 'mh-fallback'].filter((name) => block.flag(name));
  const inhibit = block.flag('inhibit_on_failure');
  const longest = six || (place !== undefined && 'address' in place && place.address.includes(':')) ? 128 : 32;
  const service = given({
    mode: { NAT: 'nat', DR: 'dr', TUN: 'tun' }[kind.toUpperCase()] ?? 'nat',
    tunnel: readTunnel(tunnel),
    scheduler: block.text('lb_algo', 'lvs_sched') ?? 'wlc',
    scheduler_flags: flags.length === 0 ? undefined : flags,
    one_packet: block.flag('ops') ? true : undefined,
    persistence: readPersistence(block, longest),
    alpha: block.flag('alpha') ? true : undefined,
    omega: block.flag('omega') ? true : undefined,
    quorum: readQuorum(block, user),
    sorry_server: readSorry(block, place !== undefined && 'port' in place ? place.port : 0),
    inhibit_on_failure: inhibit ? true : undefined,
    // 60 is keepalived's own default.
    check_interval: block.number('delay_loop') ?? 60,
  });
  const defaults = { connectTimeout: block.number('connect_timeout'), retry: block.number('retry'), delayBeforeRetry: block.number('delay_before_retry'), warmup: block.number('warmup') };
  return { service, defaults, inhibit };
}

function readTunnel(words: readonly string[]): Json | undefined {
  const after = (name: string): string | undefined => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
  const type = after('type');
  if (type === undefined || type === 'ipip') return undefined;
  const port = after('port');
  return given({ type, port: port === undefined ? undefined : Number(port), checksum: words.includes('csum') ? 'csum' : words.includes('remcsum') ? 'remcsum' : undefined });
}

function readPersistence(block: Block, longest: number): Json | undefined {
  const node = block.node('persistence_timeout');
  const engine = block.text('persistence_engine');
  const mask = block.text('persistence_granularity');
  if (node === undefined) return undefined;
  // Without a number it is keepalived's default.
  const timeout = Number(node.words[1] ?? '360');
  if (timeout === 0) {
    block.bug(node, 'persistence-timeout-0', 'keepalived refuses 0 and ignores the line; without persistence it is left out');
    return undefined;
  }
  block.understood(node, 'persistence');
  const prefix = mask === undefined ? undefined : /^\d+$/.test(mask) ? Number(mask) : prefixOfNetmask(mask);
  return engine === undefined && (prefix === undefined || prefix === longest) ? timeout : given({ timeout, prefix: prefix === longest ? undefined : prefix, engine });
}

function readQuorum(block: Block, user: string | undefined): Json | undefined {
  const quorum = given({ count: block.number('quorum'), hysteresis: block.number('hysteresis'), up: commandOf(block, block.node('quorum_up'), user), down: commandOf(block, block.node('quorum_down'), user) });
  const keys = Object.keys(quorum);
  return keys.length === 0 ? undefined : keys.join() === 'count' ? quorum['count'] : quorum;
}

function readSorry(block: Block, port: number): JsonObject | undefined {
  const node = block.node('sorry_server');
  const inhibit = block.flag('sorry_server_inhibit');
  const method = block.text('sorry_server_lvs_method')?.split(' ')[0]?.toLowerCase();
  if (node === undefined) return undefined;
  const own = Number(node.words[2] ?? String(port));
  return given({ address: node.words[1], port: own === port || own === 0 ? undefined : own, mode: method, inhibit: inhibit ? true : undefined });
}

interface ServerContext {
  readonly port: number;
  readonly nat: boolean;
  readonly user: string | undefined;
  readonly defaults: CheckDefaults;
  /** The service's. */
  readonly inhibit: boolean;
}

/** Real servers by address, with the checks that all of them have at the service. */
function realServers(nodes: readonly ConfNode[], context: ServerContext, notes: Note[]): JsonObject {
  const servers = nodes.map((node) => readRealServer(node, context, notes));
  const [first] = servers;
  const shared = first !== undefined && servers.every(({ checks }) => JSON.stringify(checks) === JSON.stringify(first.checks));
  const seen = new Set<string>();
  const entries = servers.map(({ address, value, checks, port }): [string, Json] => {
    const key = seen.has(address) ? `${address}#${String(port)}` : address;
    seen.add(address);
    return [key, shared ? value : { ...value, health_check: checks }];
  });
  return { real_servers: Object.fromEntries(entries), health_check: shared ? first.checks : { type: 'none' } };
}

function readRealServer(node: ConfNode, { port: servicePort, nat, user, defaults, inhibit }: ServerContext, notes: Note[]): { address: string; port: number; value: JsonObject; checks: Json } {
  const block = new Block(node.body ?? [], node.text, notes);
  const [, address = '', written] = node.words;
  const port = written === undefined ? servicePort : Number(written);
  if (!nat && port !== servicePort && servicePort !== 0) block.bug(node, 'port-not-rewritten', `DR and TUN cannot change ports: keepalived takes ${String(servicePort)} without a word, and so does the inventory`);
  else block.understood(node, 'a real server');
  const own = block.node('inhibit_on_failure');
  const failing = own === undefined ? inhibit : !['no', 'off', 'false'].includes(own.words[1] ?? '');
  const real = nat ? port : servicePort;
  const checks = readChecks(block, { port: real, defaults });
  const value = given({
    weight: block.number('weight') ?? 1,
    port: nat && port !== servicePort ? port : undefined,
    upper_threshold: block.number('uthreshold'),
    lower_threshold: block.number('lthreshold'),
    inhibit_on_failure: failing === inhibit ? undefined : failing,
    on_up: commandOf(block, block.node('notify_up'), user),
    on_down: commandOf(block, block.node('notify_down'), user),
  });
  block.end();
  return { address: parseIp(address)?.address ?? address, port, value, checks };
}
