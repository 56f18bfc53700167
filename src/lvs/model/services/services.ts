import type { Located } from '../../../core/located.ts';
import { suggest } from '../../../core/text/suggest.ts';
import { buildChecks, type CheckContext } from './checks.ts';
import { checkHost } from '../hosts.ts';
import { parseIp } from '../ip.ts';
import { buildMatch, type Matching } from './matching.ts';
import { prefixOfNetmask } from '../netmask.ts';
import { checkOn } from './on.ts';
import { didYouMean } from '../problems.ts';
import type { ServiceContext } from '../context.ts';
import { buildRealServers, portsOf } from './real-server-rules.ts';
import type { RawHealthCheck, RawService, ShapedLvs } from '../schema/shape.ts';
import { checkBetweenServices } from './between-services.ts';
import { checkService } from './service-rules.ts';
import type { HealthCheck, Persistence, Scheduler, SorryServer, Tunnel, VirtualService } from '../topology.ts';
import { checkName } from '../ha/trackers.ts';

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
    checkService(service, raw, context);
    checkBetweenServices(service, services, context.problems);
    services.set(name, service);
  }
  return services;
}

function buildService(name: string, raw: RawService, shaped: ShapedLvs, context: ServiceContext, lvs: Located): VirtualService | undefined {
  const { commands, problems, pairs } = context;
  const path = ['virtual_services', name];
  checkName(name, path, problems);
  const pair = pairs.get(raw.on);
  const directors = pair === undefined ? checkOn(raw.on, `service ${name}`, [...path, 'on'], shaped, context) : pair.members.map((member) => member.host);
  const scheduler = SCHEDULERS.find((known) => known === raw.scheduler);
  if (scheduler === undefined) {
    problems.add({
      code: 'unknown-scheduler',
      message: `unknown scheduler ${raw.scheduler} of service ${name}`,
      path: [...path, 'scheduler'],
      hint: `${didYouMean(suggest(raw.scheduler, SCHEDULERS))}IPVS has ${SCHEDULERS.join(', ')}`,
    });
  }
  const matching = buildMatch(name, raw, pair, context);
  if (matching === undefined) return undefined;
  const quorum = typeof raw.quorum === 'number' ? { count: raw.quorum } : (raw.quorum ?? {});
  return {
    name,
    position: lvs.locate(path, 'key'),
    manager: raw.manager ?? 'keepalived',
    directors,
    pair: pair?.name,
    match: matching.match,
    protocol: matching.protocol,
    vip: matching.address,
    port: matching.port,
    vipInterface: raw.interface,
    mode: raw.mode,
    tunnel: tunnelOf(raw),
    scheduler: scheduler ?? 'rr',
    schedulerFlags: [...(raw.scheduler_flags ?? [])].sort(),
    onePacket: raw.one_packet ?? false,
    persistence: persistenceOf(name, raw, matching, context),
    realServers: buildRealServers({ name, raw, matching, pair, directors, context }, shaped),
    sorryServer: sorryServer(name, raw, matching, context),
    quorum: {
      count: quorum.count ?? 1,
      hysteresis: quorum.hysteresis ?? 0,
      up: commands.parse(quorum.up, [...path, 'quorum', 'up']),
      down: commands.parse(quorum.down, [...path, 'quorum', 'down']),
    },
    alpha: raw.alpha ?? false,
    omega: raw.omega ?? false,
    inhibitOnFailure: raw.inhibit_on_failure ?? false,
    healthChecks: healthChecks(name, raw, matching, { shaped, commands, problems }),
    checkInterval: raw.check_interval ?? 6,
    helper: raw.helper,
  };
}

function tunnelOf({ tunnel }: RawService): Tunnel {
  const written = typeof tunnel === 'string' || tunnel === undefined ? { type: (tunnel ?? 'ipip') as Tunnel['type'] } : tunnel;
  // The port that guides of GUE use; IPVS has none of its own.
  const port = 'port' in written ? written.port : undefined;
  return { type: written.type, port: port ?? (written.type === 'gue' ? 6080 : undefined), checksum: ('checksum' in written ? written.checksum : undefined) ?? 'none' };
}

function persistenceOf(name: string, { persistence: raw }: RawService, { address }: Matching, { problems }: ServiceContext): Persistence | undefined {
  if (raw === undefined) return undefined;
  const longest = address.includes(':') ? 128 : 32;
  if (typeof raw === 'number') return { timeout: raw, prefix: longest, engine: undefined };
  const path = ['virtual_services', name, 'persistence'];
  const masked = raw.netmask === undefined ? undefined : prefixOfNetmask(raw.netmask);
  if (raw.netmask !== undefined && (masked === undefined || longest === 128)) {
    problems.add({ code: 'persistence-netmask', message: `${raw.netmask} is no netmask of the service's address family`, path: [...path, 'netmask'], hint: longest === 128 ? 'with IPv6 write prefix: 64' : 'write 255.255.255.0, or prefix: 24' });
  }
  if (raw.prefix !== undefined && raw.netmask !== undefined) problems.add({ code: 'persistence-netmask', message: `persistence of ${name} has both prefix and netmask`, path: [...path, 'netmask'], of: 'key', hint: 'keep one: they say the same' });
  // 0 keeps all clients together, which only IPv4's netmask can say.
  const shortest = longest === 128 ? 1 : 0;
  if (raw.prefix !== undefined && (raw.prefix > longest || raw.prefix < shortest)) problems.add({ code: 'persistence-netmask', message: `prefix ${String(raw.prefix)} does not fit an address of ${String(longest)} bits`, path: [...path, 'prefix'], hint: `choose ${String(shortest)}-${String(longest)}` });
  return { timeout: raw.timeout, prefix: raw.prefix ?? masked ?? longest, engine: raw.engine };
}

function sorryServer(name: string, { sorry_server: raw, mode }: RawService, matching: Matching, { hosts, problems }: ServiceContext): SorryServer | undefined {
  if (raw === undefined) return undefined;
  const path = ['virtual_services', name, 'sorry_server'];
  const own = raw.host === undefined ? undefined : checkHost(raw.host, hosts, [...path, 'host'], `sorry server of ${name}`, problems, 'value');
  const written = raw.address === undefined ? undefined : parseIp(raw.address)?.address;
  if (raw.address !== undefined && written === undefined) problems.add({ code: 'host-address', message: `${raw.address} of the sorry server is no IP address`, path: [...path, 'address'], hint: 'write an IP address without a prefix length' });
  if (raw.address === undefined && raw.host === undefined) problems.add({ code: 'missing-key', message: `the sorry server of ${name} has neither host nor address`, path, of: 'key', hint: 'add host: NAME, or address: IP' });
  const forward = raw.mode ?? mode;
  const marked = matching.match.kind === 'fwmark';
  // Of a mark 0, as for its real servers: the port that the connection came for.
  const unchanged = marked ? 0 : matching.port;
  const port = raw.port ?? unchanged;
  if (forward !== 'nat' && port !== unchanged) {
    problems.add({ code: 'port-not-rewritten', message: `port ${String(port)} of the sorry server differs from the ${marked ? 'port 0 of a firewall mark' : `service port ${String(unchanged)}`}, which mode ${forward} cannot change`, path: [...path, 'port'], hint: 'remove port, or use mode: nat for it' });
  }
  const address = written ?? own ?? '';
  if (address !== '' && forward !== 'tun' && address.includes(':') !== matching.address.includes(':')) {
    problems.add({ code: 'address-family', message: `the sorry server ${address} and the service's ${matching.address} are not of one address family`, path: [...path, raw.address === undefined ? 'host' : 'address'], hint: 'give it an address of the service\'s family (address:): keepalived would leave it out' });
  }
  return { host: raw.host, address, port, mode: forward, inhibit: raw.inhibit ?? false };
}

function healthChecks(name: string, raw: RawService, { protocol, port, match }: Matching, context: CheckContext): readonly HealthCheck[] {
  // A check by TCP says nothing of a UDP or SCTP service, so it is only made when asked for; a script makes none.
  const fallback: RawHealthCheck = { type: protocol === 'tcp' && raw.manager !== 'script' ? 'tcp' : 'none' };
  const path = ['virtual_services', name, ...(raw.health_check === undefined ? [match.kind === 'fwmark' ? 'fwmark' : 'address'] : ['health_check'])];
  return buildChecks(raw.health_check ?? fallback, { of: `service ${name}`, path, portOf: raw.health_check === undefined ? 'value' : 'key', ...portsOf(port, match.kind === 'fwmark') }, context);
}
