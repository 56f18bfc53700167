import type { Located } from '../../core/located.ts';
import { suggest } from '../../core/suggest.ts';
import { formatEndpoint, isUsableVip, parseEndpoint } from './ip.ts';
import { checkHost } from './pairs.ts';
import { didYouMean, type Problems } from './problems.ts';
import { checkRealServers, type ServiceContext } from './real-server-rules.ts';
import type { RawHealthCheck, RawService, ShapedLvs } from './schema.ts';
import { addressesOf, type HealthCheck, type Protocol, type Scheduler, type VirtualService } from './topology.ts';

/** IPVS schedulers of Linux 6.1 (net/netfilter/ipvs/Kconfig). */
const SCHEDULERS: readonly Scheduler[] = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'sed', 'nq', 'fo', 'ovf', 'mh', 'twos'];

/**
 * Checks the virtual services; gives those whose address could be read.
 * Rules: ipvsadm(8), keepalived.conf(5), the kernel's net/netfilter/ipvs, and what keepalived 2.2.7 was seen to do.
 */
export function buildServices(shaped: ShapedLvs, context: ServiceContext, lvs: Located): ReadonlyMap<string, VirtualService> {
  const services = new Map<string, VirtualService>();
  for (const [name, raw] of shaped.services) {
    const service = buildService(name, raw, shaped, context, lvs);
    if (service === undefined) continue;
    checkDuplicate(service, services, context.problems);
    services.set(name, service);
  }
  return services;
}

function buildService(name: string, raw: RawService, shaped: ShapedLvs, context: ServiceContext, lvs: Located): VirtualService | undefined {
  const { problems, pairs } = context;
  const path = ['virtual_services', name];
  const pair = pairs.get(raw.on);
  const directors = pair === undefined ? checkOn(name, raw.on, shaped, context) : pair.members.map((member) => member.host);
  const scheduler = SCHEDULERS.find((known) => known === raw.scheduler);
  if (scheduler === undefined) {
    problems.add({
      code: 'unknown-scheduler',
      message: `unknown scheduler ${raw.scheduler} of service ${name}`,
      path: [...path, 'scheduler'],
      hint: `${didYouMean(suggest(raw.scheduler, SCHEDULERS))}IPVS has ${SCHEDULERS.join(', ')}`,
    });
  }
  const endpoint = parseEndpoint(raw.address);
  if (endpoint === undefined || !isUsableVip(endpoint)) {
    problems.add({ code: 'bad-address', message: `${raw.address} is no service address`, path: [...path, 'address'], hint: 'write "192.168.0.38:80" or "[2001:db8::1]:80": an IP address that clients can use and a port of 0-65535' });
    return undefined;
  }
  if (pair !== undefined && !addressesOf(pair).some((vip) => vip.address === endpoint.address)) {
    const hint = `add it to lvs.ha_pairs.${pair.name}.vips, or use one of ${addressesOf(pair).map((vip) => vip.address).join(', ')}: only those move with the pair`;
    problems.add({ code: 'address-not-in-pair', message: `${endpoint.address} of service ${name} is not among the VIPs of ${pair.name}`, path: [...path, 'address'], hint });
  }
  if (endpoint.port === 0 && raw.persistence === undefined) {
    problems.add({ code: 'port-zero', message: `port 0 of service ${name} needs persistence`, path: [...path, 'address'], hint: 'add persistence: SECONDS, or name the port; IPVS takes "all ports" only with persistence (ipvsadm(8), -p)' });
  }
  const protocol: Protocol = raw.protocol ?? 'tcp';
  const realServers = checkRealServers({ name, raw, endpoint, pair, directors, context });
  return {
    name,
    position: lvs.locate(path, 'key'),
    manager: 'keepalived',
    directors,
    pair: pair?.name,
    match: { kind: 'address' },
    protocol,
    vip: endpoint.address,
    port: endpoint.port,
    vipInterface: undefined,
    mode: raw.mode,
    tunnel: { type: 'ipip', port: undefined, checksum: 'none' },
    scheduler: scheduler ?? 'rr',
    schedulerFlags: [],
    onePacket: false,
    persistence: raw.persistence === undefined ? undefined : { timeout: raw.persistence, prefix: endpoint.address.includes(':') ? 128 : 32, engine: undefined },
    realServers,
    sorryServer: undefined,
    quorum: { count: 1, hysteresis: 0, up: undefined, down: undefined },
    alpha: false,
    omega: false,
    inhibitOnFailure: false,
    healthChecks: healthChecks(name, raw, protocol, endpoint.port, problems),
    checkInterval: raw.check_interval ?? 6,
    helper: undefined,
  };
}

/** The one director that `on` names, when it names no pair. */
function checkOn(name: string, on: string, shaped: ShapedLvs, { hosts, pairs, problems }: ServiceContext): string[] {
  // A pair that is there but wrong has its own error.
  if (shaped.badPairs.has(on)) return [];
  const path = ['virtual_services', name, 'on'];
  if (!hosts.has(on)) {
    const known = [...pairs.keys(), ...hosts.keys()];
    const hint = `${didYouMean(suggest(on, known))}name ${pairs.size === 0 ? '' : `an HA pair (${[...pairs.keys()].join(', ')}) or `}a host of the inventory`;
    problems.add({ code: 'unknown-director', message: `service ${name} is on ${on}, which is neither an HA pair nor a host`, path, hint });
    return [];
  }
  checkHost(on, hosts, path, 'director', problems, 'value');
  return [on];
}

function healthChecks(name: string, raw: RawService, protocol: Protocol, port: number, problems: Problems): readonly HealthCheck[] {
  // A check by TCP says nothing of a UDP or SCTP service, so it is only made when asked for.
  const written: RawHealthCheck = raw.health_check ?? { type: protocol === 'tcp' ? 'tcp' : 'none' };
  const path = ['virtual_services', name, 'health_check'];
  if (written.type !== 'http') {
    for (const key of ['path', 'status'] as const) {
      if (written[key] === undefined) continue;
      problems.add({ code: 'check-key', message: `${key} has no meaning for a health check of type ${written.type}`, path: [...path, key], of: 'key', hint: `use type: http, or remove ${key}` });
    }
  }
  if (written.type === 'none') return [];
  if (port === 0 && written.port === undefined) {
    const place = raw.health_check === undefined ? { path: ['virtual_services', name, 'address'] } : { path, of: 'key' as const };
    problems.add({ ...place, code: 'check-port', message: `the health check of service ${name} has no port: the service has port 0`, hint: 'set health_check.port, or health_check: { type: none }' });
  }
  const times = { connectTimeout: written.connect_timeout ?? 3, retry: written.retry ?? 3, delayBeforeRetry: written.delay_before_retry ?? 1, port: written.port, address: undefined, delayLoop: undefined, warmup: undefined };
  if (written.type === 'tcp') return [{ type: 'tcp', ...times }];
  const url = { path: written.path ?? '/', status: [String(written.status ?? 200)], digest: undefined, regex: undefined, regexAbsent: false };
  return [{ type: 'http', ...times, urls: [url], virtualHost: undefined, httpVersion: undefined }];
}

function checkDuplicate(service: VirtualService, others: ReadonlyMap<string, VirtualService>, problems: Problems): void {
  for (const other of others.values()) {
    if (other.protocol !== service.protocol || other.vip !== service.vip || other.port !== service.port) continue;
    if (!other.directors.some((host) => service.directors.includes(host))) continue;
    problems.add({
      code: 'duplicate-service',
      message: `services ${other.name} and ${service.name} are both ${service.protocol} ${formatEndpoint(service.vip, service.port)}`,
      path: ['virtual_services', service.name, 'address'],
      hint: 'join them into one, or change the address, port or protocol of one: IPVS tells services apart by these three',
    });
    return;
  }
}
