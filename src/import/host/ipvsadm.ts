import { parseIp } from '../../lvs/model/ip.ts';
import { prefixOfNetmask } from '../../lvs/model/netmask.ts';
import type { Tunnel } from '../../lvs/model/topology.ts';
import { serviceKey } from '../../lvs/ipvs/types.ts';
import type { Position } from '../../core/errors.ts';
import type { Read } from '../types.ts';
import type { HostSetup, ServiceSetup } from './setup.ts';

/** Short and long names of ipvsadm 1.31; `value`: takes a word, `optional`: may take a number. */
const OPTIONS: readonly { readonly name: string; readonly short?: string; readonly takes?: 'value' | 'optional' }[] = [
  { name: 'add-service', short: 'A' },
  { name: 'edit-service', short: 'E' },
  { name: 'delete-service', short: 'D' },
  { name: 'clear', short: 'C' },
  { name: 'restore', short: 'R' },
  { name: 'save', short: 'S' },
  { name: 'add-server', short: 'a' },
  { name: 'edit-server', short: 'e' },
  { name: 'delete-server', short: 'd' },
  { name: 'list', short: 'L' },
  { name: 'list', short: 'l' },
  { name: 'zero', short: 'Z' },
  { name: 'set' },
  { name: 'start-daemon', takes: 'value' },
  { name: 'stop-daemon', takes: 'value' },
  { name: 'tcp-service', short: 't', takes: 'value' },
  { name: 'udp-service', short: 'u', takes: 'value' },
  { name: 'sctp-service', takes: 'value' },
  { name: 'fwmark-service', short: 'f', takes: 'value' },
  { name: 'ipv6', short: '6' },
  { name: 'scheduler', short: 's', takes: 'value' },
  { name: 'pe', takes: 'value' },
  { name: 'persistent', short: 'p', takes: 'optional' },
  { name: 'netmask', short: 'M', takes: 'value' },
  { name: 'sched-flags', short: 'b', takes: 'value' },
  { name: 'ops', short: 'o' },
  { name: 'real-server', short: 'r', takes: 'value' },
  { name: 'gatewaying', short: 'g' },
  { name: 'ipip', short: 'i' },
  { name: 'masquerading', short: 'm' },
  { name: 'tun-type', takes: 'value' },
  { name: 'tun-port', takes: 'value' },
  { name: 'tun-nocsum' },
  { name: 'tun-csum' },
  { name: 'tun-remcsum' },
  { name: 'weight', short: 'w', takes: 'value' },
  { name: 'u-threshold', short: 'x', takes: 'value' },
  { name: 'l-threshold', short: 'y', takes: 'value' },
  { name: 'mcast-interface', takes: 'value' },
  { name: 'syncid', takes: 'value' },
  { name: 'sync-maxlen', takes: 'value' },
  { name: 'mcast-group', takes: 'value' },
  { name: 'mcast-port', takes: 'value' },
  { name: 'mcast-ttl', takes: 'value' },
  { name: 'numeric', short: 'n' },
  { name: 'exact' },
  { name: 'stats' },
  { name: 'rate' },
  { name: 'timeout' },
  { name: 'daemon' },
  { name: 'connection', short: 'c' },
  { name: 'sort' },
  { name: 'nosort' },
  { name: 'thresholds' },
  { name: 'persistent-conn' },
];

/** Names of ports that such scripts use (services(5)). */
const PORTS: Readonly<Record<string, number>> = { http: 80, www: 80, https: 443, ftp: 21, ssh: 22, smtp: 25, domain: 53, mysql: 3306, ldap: 389, imap: 143, imaps: 993, pop3: 110, sip: 5060, postgresql: 5432 };

/** One call of ipvsadm, its words after the program's name, applied to what is known of the host. */
export function readIpvsadm(words: readonly string[], setup: HostSetup, position: Position): Read {
  const parsed = optionsOf(words);
  if ('unread' in parsed) return parsed;
  const { options, rest } = parsed;
  const has = (name: string): boolean => options.has(name);
  if (has('clear')) return { id: 'ipvsadm-clear', bug: 'it also removes virtual services that belong to others (keepalived, Kubernetes); lvs-play only ever touches its own' };
  if (has('list') || has('zero') || has('save')) return { ignored: 'it changes nothing that is kept' };
  if (has('restore')) return { unread: 'the table comes from elsewhere: import the file that is restored, too' };
  if (has('set')) return timeouts(rest, setup);
  if (has('start-daemon')) return { unread: 'connection synchronisation belongs to an HA pair: write connection_sync: true there' };
  if (has('stop-daemon')) return { ignored: 'nothing is left of it' };
  const service = serviceOf(options);
  if (typeof service === 'string') return { unread: service };
  const key = serviceKey(service);
  const at = setup.services.findIndex((one) => serviceKey(one) === key);
  const known = setup.services[at];
  if (has('delete-service')) {
    if (at >= 0) setup.services.splice(at, 1);
    return { ignored: `${key} is not there afterwards` };
  }
  if (has('add-service') || has('edit-service')) return addService(options, { service, known, at }, setup, position);
  if (known === undefined) return { unread: `${key} was not added before` };
  return server(options, known, key, position);
}

function optionsOf(words: readonly string[]): { options: ReadonlyMap<string, string>; rest: readonly string[] } | { unread: string } {
  const options = new Map<string, string>();
  const rest: string[] = [];
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (!word.startsWith('-')) {
      rest.push(word);
      continue;
    }
    const long = /^--([a-z-]+)(?:=(.*))?$/s.exec(word);
    const found = long === null ? OPTIONS.find(({ short }) => short === word.charAt(1)) : (OPTIONS.find(({ name }) => name === long[1]) ?? OPTIONS.find(({ name }) => name.startsWith(long[1] ?? '?')));
    if (found === undefined) return { unread: `${word} is no option of ipvsadm that is known here` };
    let value = long === null ? undefined : long[2];
    const attached = long === null ? word.slice(2) : '';
    if (found.takes === undefined) {
      // Several letters in one word: `-Ln`.
      if (attached !== '') queue.unshift(`-${attached}`);
    } else {
      value ??= attached === '' ? undefined : attached;
      if (value === undefined && (found.takes === 'value' || /^\d+$/.test(queue[0] ?? ''))) value = queue.shift();
      if (value === undefined && found.takes === 'value') return { unread: `${word} has no value` };
    }
    options.set(found.name, value ?? '');
  }
  return { options, rest };
}

function timeouts([tcp, fin, udp]: readonly string[], setup: HostSetup): Read {
  const numbers = [tcp, fin, udp].map((text) => (/^\d+$/.test(text ?? '') ? Number(text) : undefined));
  const [first, second, third] = numbers;
  if (first === undefined || second === undefined || third === undefined) return { unread: '--set takes three numbers of seconds' };
  // 0 keeps what is set (ipvsadm(8)).
  if (numbers.includes(0)) return { unread: 'a time-out of 0 keeps what the kernel has, which is not known here' };
  setup.timeouts = { tcp: first, tcp_fin: second, udp: third };
  return { done: 'time-outs of IPVS' };
}

function serviceOf(options: ReadonlyMap<string, string>): Pick<ServiceSetup, 'protocol' | 'address' | 'port' | 'family'> | string {
  for (const [name, protocol] of [['tcp-service', 'tcp'], ['udp-service', 'udp'], ['sctp-service', 'sctp']] as const) {
    const text = options.get(name);
    if (text === undefined) continue;
    const endpoint = endpointOf(text);
    return endpoint === undefined ? `${text} is no address with a port` : { protocol, address: endpoint.address, port: endpoint.port ?? 0 };
  }
  const mark = options.get('fwmark-service');
  if (mark === undefined) return 'no virtual service is named';
  const number = Number(mark);
  return Number.isInteger(number) && number > 0 ? { protocol: 'fwm', address: '', port: number, family: options.has('ipv6') ? 6 : 4 } : `${mark} is no firewall mark`;
}

function endpointOf(text: string): { address: string; port: number | undefined } | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+|[^[\]]*:[^[\]]*:[^[\]]*))(?::(\w+))?$/.exec(text) ?? [];
  const ip = parseIp(bracketed ?? plain ?? '');
  if (ip === undefined) return undefined;
  if (port === undefined) return { address: ip.address, port: undefined };
  const number = /^\d+$/.test(port) ? Number(port) : PORTS[port];
  return number === undefined || number > 65535 ? undefined : { address: ip.address, port: number };
}

function addService(options: ReadonlyMap<string, string>, { service, known, at }: { service: Pick<ServiceSetup, 'protocol' | 'address' | 'port' | 'family'>; known: ServiceSetup | undefined; at: number }, setup: HostSetup, position: Position): Read {
  const flags = [...(options.get('sched-flags') ?? '').split(',').filter((flag) => flag !== ''), ...(options.has('ops') ? ['ops'] : [])].sort();
  const persistent = options.get('persistent');
  const six = service.address.includes(':') || service.family === 6;
  const mask = options.get('netmask');
  const prefix = mask === undefined ? (six ? 128 : 32) : /^\d+$/.test(mask) ? Number(mask) : prefixOfNetmask(mask);
  if (persistent !== undefined && prefix === undefined) return { unread: `${mask ?? ''} is no netmask` };
  const engine = options.get('pe');
  if (engine !== undefined && engine !== 'sip') return { unread: `${engine} is no persistence engine of the kernel` };
  const entry: ServiceSetup = {
    ...service,
    position,
    // ipvsadm's own defaults (ipvsadm(8)).
    scheduler: options.get('scheduler') ?? 'wlc',
    flags,
    persistence: persistent === undefined ? undefined : persistent === '' ? 300 : Number(persistent),
    ...(persistent === undefined ? {} : { persistencePrefix: prefix, engine: engine ?? null }),
    destinations: known?.destinations ?? [],
  };
  if (known === undefined) setup.services.push(entry);
  else setup.services[at] = entry;
  return { done: `virtual service ${serviceKey(service)}` };
}

function server(options: ReadonlyMap<string, string>, service: ServiceSetup, key: string, position: Position): Read {
  const text = options.get('real-server') ?? '';
  const endpoint = endpointOf(text);
  if (endpoint === undefined) return { unread: text === '' ? 'no real server is named' : `${text} is no address` };
  const { address } = endpoint;
  // Without a port it is the service's.
  const port = endpoint.port ?? (service.protocol === 'fwm' ? 0 : service.port);
  const at = service.destinations.findIndex((one) => one.address === address && one.port === port);
  if (options.has('delete-server')) {
    if (at >= 0) service.destinations.splice(at, 1);
    return { ignored: `${text} is not there afterwards` };
  }
  if (!options.has('add-server') && !options.has('edit-server')) return { unread: 'it has no command that is known here' };
  const numbers = ['weight', 'u-threshold', 'l-threshold'].map((name) => Number(options.get(name) ?? (name === 'weight' ? 1 : 0)));
  const [weight = 1, upperThreshold = 0, lowerThreshold = 0] = numbers;
  if (!numbers.every((number) => Number.isInteger(number) && number >= 0)) return { unread: 'a weight or threshold is no number' };
  const forward = options.has('masquerading') ? 'nat' : options.has('ipip') || options.has('tun-type') ? 'tun' : 'dr';
  const entry = { address, port, forward, weight, upperThreshold, lowerThreshold, tunnel: forward === 'tun' ? tunnel(options) : undefined, activeConnections: undefined, inactiveConnections: undefined, position } as const;
  if (at >= 0) service.destinations[at] = entry;
  else service.destinations.push(entry);
  return { done: `real server ${text} of ${key}` };
}

function tunnel(options: ReadonlyMap<string, string>): Tunnel {
  const type = options.get('tun-type');
  return {
    type: type === 'gue' || type === 'gre' ? type : 'ipip',
    port: options.has('tun-port') ? Number(options.get('tun-port')) : undefined,
    checksum: options.has('tun-csum') ? 'csum' : options.has('tun-remcsum') ? 'remcsum' : 'none',
  };
}
