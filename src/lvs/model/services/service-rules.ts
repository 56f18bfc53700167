import { parseIp } from '../ip.ts';
import type { Problem } from '../problems.ts';
import type { ServiceContext } from '../context.ts';
import type { RawService } from '../schema/shape.ts';
import { endpointsOf, vipsOf } from '../lookups.ts';
import { addressesOf, type VirtualService } from '../topology.ts';

/** Contradictions within one service. Each rule: problems, or nothing. */
export function checkService(service: VirtualService, raw: RawService, context: ServiceContext): void {
  for (const rule of [schedulerFlags, onePacket, persistence, quorum, tunnel, helper, vipInterface, manager]) {
    for (const problem of rule(service, raw, context)) context.problems.add(problem);
  }
}

function schedulerFlags(service: VirtualService, raw: RawService): Problem[] {
  return (raw.scheduler_flags ?? []).flatMap((flag, index) => {
    if (flag.startsWith(`${raw.scheduler}-`)) return [];
    return [{ code: 'flag-scheduler', message: `flag ${flag} does not belong to scheduler ${raw.scheduler}`, path: at(service, 'scheduler_flags', index), hint: `use scheduler: ${flag.slice(0, 2)}, or remove the flag (ipvsadm(8), -b)` }];
  });
}

function onePacket(service: VirtualService): Problem[] {
  if (!service.onePacket) return [];
  if (endpointsOf(service).every(({ protocol }) => protocol === 'udp')) return [];
  return [{ code: 'one-packet-protocol', message: `one_packet of ${service.name} needs protocol udp`, path: at(service, 'one_packet'), hint: 'remove it: packets of one TCP or SCTP connection must reach one server (ipvsadm(8), -o)' }];
}

function persistence(service: VirtualService): Problem[] {
  if (service.persistence?.engine !== 'sip' || endpointsOf(service).every(({ protocol }) => protocol === 'udp')) return [];
  return [{ code: 'sip-protocol', message: `persistence engine sip of ${service.name} needs protocol udp`, path: at(service, 'persistence', 'engine'), hint: 'remove it, or use protocol: udp: the kernel reads the Call-ID of UDP packets only (ip_vs_pe_sip.c)' }];
}

function quorum({ name, quorum: { count, hysteresis }, realServers }: VirtualService): Problem[] {
  const path = ['virtual_services', name, 'quorum'];
  const total = realServers.reduce((sum, { weight }) => sum + weight, 0);
  if (count + hysteresis > total && total > 0 && count + hysteresis > 1) {
    return [{ code: 'quorum-too-high', message: `quorum ${String(count)}${hysteresis === 0 ? '' : ` with hysteresis ${String(hysteresis)}`} of ${name} is above the sum of all weights, ${String(total)}`, path, hint: 'it could never be reached: lower it, or raise the weights (keepalived.conf(5), quorum)' }];
  }
  if (hysteresis >= count && hysteresis > 0) {
    return [{ code: 'quorum-hysteresis', message: `hysteresis ${String(hysteresis)} of ${name} is not below its quorum ${String(count)}`, path: [...path, 'hysteresis'], hint: 'the quorum is lost at quorum minus hysteresis, which must be at least 1' }];
  }
  return [];
}

function tunnel(service: VirtualService, raw: RawService): Problem[] {
  if (raw.tunnel === undefined) return [];
  if (service.mode !== 'tun') return [{ code: 'tunnel-mode', message: `tunnel of ${service.name} has no meaning with mode ${service.mode}`, path: at(service, 'tunnel'), of: 'key', hint: 'use mode: tun, or remove it' }];
  const { type, port, checksum } = service.tunnel;
  if (type !== 'gue' && port !== undefined) return [{ code: 'tunnel-port', message: `a tunnel of type ${type} has no port`, path: at(service, 'tunnel', 'port'), of: 'key', hint: 'use type: gue, or remove port' }];
  if (type === 'ipip' && checksum !== 'none') return [{ code: 'tunnel-checksum', message: 'a tunnel of type ipip has no checksum', path: at(service, 'tunnel', 'checksum'), of: 'key', hint: 'use type: gue or gre, or remove checksum' }];
  if (type === 'gre' && checksum === 'remcsum') return [{ code: 'tunnel-checksum', message: 'remote checksum offload is for GUE only', path: at(service, 'tunnel', 'checksum'), hint: 'use checksum: csum or none (ipvsadm(8), --tun-remcsum)' }];
  return [];
}

/** FTP's data connection is another one: NAT needs the kernel's helper, DR and TUN need the client to come back to the same server. */
function helper(service: VirtualService): Problem[] {
  if (service.helper !== 'ftp') return [];
  if (service.protocol !== 'tcp') return [{ code: 'helper-protocol', message: `helper ftp of ${service.name} needs protocol tcp`, path: at(service, 'helper'), hint: 'remove it' }];
  if (service.mode !== 'nat' && service.persistence === undefined) {
    return [{ code: 'ftp-persistence', message: `FTP by mode ${service.mode} needs persistence in ${service.name}`, path: at(service, 'helper'), hint: 'add persistence: SECONDS (and port 0 or a firewall mark for passive data connections), or use mode: nat (LVS-HOWTO, FTP)' }];
  }
  if (service.mode === 'nat' && !endpointsOf(service).some(({ port }) => port === 21 || port === 0)) {
    return [{ code: 'helper-port', message: `helper ftp of ${service.name} reads port 21 only`, path: at(service, 'helper'), hint: 'use port 21, which the kernel\'s module looks at, or remove the helper (ip_vs_ftp.c, ports)' }];
  }
  return [];
}

/** A single director's VIP is not one that moves with a pair, and one that it is to put itself is no host's. */
function vipInterface(service: VirtualService, raw: RawService, { hosts, pairs }: ServiceContext): Problem[] {
  const [director = ''] = service.directors;
  const addresses = vipsOf(service);
  const moving = service.pair !== undefined || director === '' ? undefined : [...pairs.values()].find((pair) => addressesOf(pair).some(({ address }) => addresses.includes(address)));
  if (moving !== undefined) {
    return [{ code: 'address-of-pair', message: `the address of ${service.name} moves with HA pair ${moving.name}, but the service is on ${director} alone`, path: at(service, 'on'), hint: `write on: ${moving.name}, or use another address` }];
  }
  if (raw.interface === undefined) return [];
  if (service.pair !== undefined) return [{ code: 'interface-with-pair', message: `interface of ${service.name} has no meaning with an HA pair`, path: at(service, 'interface'), of: 'key', hint: `remove it: ${service.pair} carries the VIP` }];
  const owner = [...hosts.values()].find(({ address }) => addresses.includes(parseIp(address ?? '')?.address ?? ''));
  if (owner?.host === director) return [{ code: 'vip-is-host', message: `the address of ${service.name} is that of ${director}, which has it already`, path: at(service, 'interface'), of: 'key', hint: 'remove interface' }];
  if (owner !== undefined) return [{ code: 'vip-is-host', message: `the address of ${service.name} is that of ${owner.host}`, path: at(service, 'interface'), of: 'key', hint: `take an address that no host has: ${director} would put it on its own interface` }];
  return [];
}

/** What only keepalived does. */
function manager(service: VirtualService, raw: RawService): Problem[] {
  if (service.manager !== 'script') return [];
  const problems: Problem[] = [];
  if (service.pair !== undefined) problems.push({ code: 'script-needs-keepalived', message: `manager: script of ${service.name} is not possible on an HA pair`, path: at(service, 'manager'), hint: 'use manager: keepalived: the VIPs of a pair move with it' });
  const needed = (['quorum', 'sorry_server', 'alpha', 'omega', 'inhibit_on_failure', 'check_interval'] as const).filter((key) => raw[key] !== undefined);
  for (const key of [...needed, ...(service.healthChecks.length > 0 ? (['health_check'] as const) : [])]) {
    problems.push({ code: 'script-needs-keepalived', message: `${key} of ${service.name} needs keepalived`, path: at(service, key), of: 'key', hint: `remove ${key}, or use manager: keepalived: a script sets the table once and checks nothing` });
  }
  for (const [host, options] of Object.entries(raw.real_servers)) {
    for (const key of ['health_check', 'inhibit_on_failure', 'on_up', 'on_down'] as const) {
      if (options?.[key] === undefined) continue;
      problems.push({ code: 'script-needs-keepalived', message: `${key} of ${host} needs keepalived`, path: at(service, 'real_servers', host, key), of: 'key', hint: `remove ${key}, or use manager: keepalived` });
    }
  }
  return problems;
}

function at(service: VirtualService, ...path: readonly (string | number)[]): (string | number)[] {
  return ['virtual_services', service.name, ...path];
}
