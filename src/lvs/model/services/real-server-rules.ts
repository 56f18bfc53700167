import type { DataPath } from '../../../core/located.ts';
import { buildChecks } from './checks.ts';
import type { ServiceContext } from '../context.ts';
import { checkHost } from '../hosts.ts';
import { formatEndpoint, parseIp } from '../ip.ts';
import type { Matching } from './matching.ts';
import type { RawService, ShapedLvs } from '../schema/shape.ts';
import type { HaPair, RealServer } from '../topology.ts';

/** 2^31 - 1: ipvsadm 1.31 takes no more, the kernel keeps it in an int. */
export const MAX_WEIGHT = 2_147_483_647;

interface Subject {
  readonly name: string;
  readonly raw: RawService;
  readonly matching: Matching;
  readonly pair: HaPair | undefined;
  readonly directors: readonly string[];
  readonly context: ServiceContext;
}

type RawRealServer = NonNullable<RawService['real_servers'][string]>;

/** Checks a service's real servers; gives those whose address is known. */
export function buildRealServers(subject: Subject, shaped: ShapedLvs): RealServer[] {
  const { name, raw, matching, context } = subject;
  const { problems } = context;
  const base = ['virtual_services', name, 'real_servers'];
  const servers: RealServer[] = [];
  const seen = new Map<string, string>();
  for (const [host, written] of Object.entries(raw.real_servers)) {
    const options: RawRealServer = written ?? {};
    const path = [...base, host];
    checkWeight(subject, host, options, path);
    checkThresholds(subject, host, options, path);
    const port = checkPort(subject, host, options, path);
    checkLoop(subject, host, path);
    const address = addressOf(subject, host, options, path);
    if (address === undefined) continue;
    if (address === matching.address) {
      problems.add({ code: 'real-server-is-vip', message: `real server ${host} of ${name} has the service's own address ${address}`, path, of: 'key', hint: 'use the address the host has besides the VIP' });
    }
    const key = formatEndpoint(address, port);
    const same = seen.get(key);
    if (same !== undefined) {
      problems.add({ code: 'duplicate-real-server', message: `real servers ${same} and ${host} of ${name} are both ${key}`, path, of: 'key', hint: 'remove one: IPVS tells real servers apart by address and port, and keepalived drops the second' });
    }
    seen.set(key, host);
    servers.push({ host, address, port, ...settingsOf(subject, options, path, shaped) });
  }
  if (servers.length > 0 && servers.every((server) => server.weight === 0)) {
    problems.add({ code: 'all-weights-zero', message: `every real server of ${name} has weight 0: nobody would be served`, path: base, of: 'key', hint: 'give at least one a weight of 1 or more; keepalived cannot reach a quorum of 1 with less' });
  }
  return servers;
}

function settingsOf({ name, raw, matching, context }: Subject, options: RawRealServer, path: readonly string[], shaped: ShapedLvs): Omit<RealServer, 'host' | 'address' | 'port'> {
  const { commands, problems } = context;
  const at = [...path, 'health_check'];
  const ports = portsOf(matching.port, matching.match.kind === 'fwmark');
  return {
    weight: options.weight ?? 1,
    upperThreshold: options.upper_threshold ?? 0,
    lowerThreshold: options.lower_threshold ?? 0,
    inhibitOnFailure: options.inhibit_on_failure ?? raw.inhibit_on_failure ?? false,
    healthChecks: options.health_check === undefined ? undefined : buildChecks(options.health_check, { of: `service ${name}`, path: at, portOf: 'key', ...ports }, { shaped, commands, problems }),
    onUp: commands.parse(options.on_up, [...path, 'on_up']),
    onDown: commands.parse(options.on_down, [...path, 'on_down']),
  };
}

/** What a health check asks when it names no port: the real server's own, or with a mark, whose real servers have none, the first endpoint's. */
export function portsOf(port: number, marked: boolean): { readonly portless: boolean; readonly defaultPort: number | undefined } {
  return { portless: port === 0, defaultPort: marked && port !== 0 ? port : undefined };
}

function checkThresholds({ context: { problems } }: Subject, host: string, options: RawRealServer, path: DataPath): void {
  const { upper_threshold: upper = 0, lower_threshold: lower = 0 } = options;
  if (lower === 0 || (upper > 0 && lower <= upper)) return;
  const message = upper === 0 ? `lower_threshold of ${host} has no effect without upper_threshold` : `lower_threshold ${String(lower)} of ${host} is above its upper_threshold ${String(upper)}`;
  problems.add({ code: 'threshold-order', message, path: [...path, 'lower_threshold'], hint: 'at the upper threshold a server gets no more connections, below the lower one it gets some again (ipvsadm(8), -x and -y)' });
}

function checkWeight({ name, raw, context: { problems } }: Subject, host: string, options: RawRealServer, path: DataPath): void {
  const weight = options.weight ?? 1;
  if (weight < 0 || weight > MAX_WEIGHT) {
    problems.add({ code: 'weight-range', message: `weight ${String(weight)} of ${host} is not within 0-${String(MAX_WEIGHT)}`, path: [...path, 'weight'], hint: 'choose 0 (no new connections) to 2147483647 (ipvsadm(8), -w)' });
  }
  const fallback = raw.scheduler === 'sh' ? 'sh-fallback' : 'mh-fallback';
  if (weight === 0 && (raw.scheduler === 'sh' || raw.scheduler === 'mh') && raw.scheduler_flags?.includes(fallback) !== true) {
    problems.add({ code: 'weight-zero-hash', message: `weight 0 of ${host} under scheduler ${raw.scheduler} refuses the clients of ${name} that are hashed to it`, path: [...path, 'weight'], hint: `add scheduler_flags: [${fallback}], remove the real server, or use another scheduler: without fallback, sh and mh do not look for another server (kernel, ip_vs_sh.c and ip_vs_mh.c)` });
  }
}

function checkPort({ raw, matching, context: { problems } }: Subject, host: string, options: RawRealServer, path: DataPath): number {
  const marked = matching.match.kind === 'fwmark';
  // 0: the port that the connection came for.
  const own = marked ? 0 : matching.port;
  const port = options.port;
  if (port === undefined) return own;
  if (port < 0 || port > 65535) {
    problems.add({ code: 'port-range', message: `port ${String(port)} of ${host} is not within 0-65535`, path: [...path, 'port'], hint: 'choose 1-65535' });
  } else if (raw.mode !== 'nat' && port !== own) {
    problems.add({
      code: 'port-not-rewritten',
      message: `port ${String(port)} of ${host} differs from the ${marked ? 'port 0 of a firewall mark' : `service port ${String(matching.port)}`}, which mode ${raw.mode} cannot change`,
      path: [...path, 'port'],
      hint: `remove port, or use mode: nat: only NAT rewrites packets (ipvsadm(8), -r); keepalived would silently use ${String(own)}`,
    });
  } else if (matching.port === 0 && !marked && port !== 0) {
    problems.add({ code: 'port-not-rewritten', message: `port ${String(port)} of ${host} does not fit a service of all ports`, path: [...path, 'port'], hint: 'remove port: with service port 0 each connection keeps the port it came for' });
  }
  return port;
}

/** A director that got a packet from the other's IPVS would balance it again, back to where it came from. */
function checkLoop({ name, raw, pair, directors, context: { problems } }: Subject, host: string, path: DataPath): void {
  if (raw.mode !== 'dr' || pair === undefined || !directors.includes(host)) return;
  problems.add({
    code: 'director-loop',
    message: `${host} is a director of HA pair ${pair.name} and a DR real server of its service ${name}: packets would loop`,
    path,
    of: 'key',
    hint: 'use another host, or mode: nat: the BACKUP has the IPVS table too and would balance what the MASTER sends it (LVS-HOWTO, LocalNode)',
  });
}

function addressOf({ name, raw, matching, context: { hosts, problems } }: Subject, host: string, options: RawRealServer, path: readonly string[]): string | undefined {
  let address: string | undefined;
  let place: { path: DataPath; of: 'key' | 'value' } = { path, of: 'key' };
  if (options.address === undefined || !hosts.has(host)) {
    address = checkHost(host, hosts, path, `real server of ${name}`, problems);
  } else {
    address = parseIp(options.address)?.address;
    place = { path: [...path, 'address'], of: 'value' };
    if (address === undefined) problems.add({ ...place, code: 'host-address', message: `${options.address} of real server ${host} is no IP address`, hint: 'write an IP address without a prefix length, e.g. 192.168.0.18' });
  }
  if (address !== undefined && raw.mode !== 'tun' && address.includes(':') !== matching.address.includes(':')) {
    problems.add({ ...place, code: 'address-family', message: `${host} (${address}) and the service's ${matching.address} are not of one address family`, hint: `give ${host} an address of the service's family (address:), or use mode: tun (Linux 3.18, IPVS mixed families)` });
  }
  return address;
}

