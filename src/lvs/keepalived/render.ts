import { LvsPlayError } from '../../core/errors.ts';
import { atLeast, type KeepalivedVersion } from './version.ts';
import { MAX_WEIGHT } from '../model/real-server-rules.ts';
import { checksOf, cidrOf, type HaPair, type HealthCheck, type RealServer, type Topology, type VirtualAddress, type VirtualService } from '../model/topology.ts';

/** First line of every file that lvs-play owns whole. */
const MANAGED = 'managed by lvs-play; changes made here are lost at the next deploy';

type Block = readonly (string | { readonly head: string; readonly body: Block })[];

/**
 * The keepalived.conf of one director: its VRRP instances and its virtual services. The same input gives the same text.
 * @param director inventory name; it need not have any pair or service
 * @param version of the keepalived that will read it
 * @throws LvsPlayError `keepalived-too-old` when that version cannot do what the topology asks
 */
export function renderKeepalived(topology: Topology, director: string, version: KeepalivedVersion): string {
  const pairs = [...topology.pairs.values()].filter((pair) => pair.members.some(({ host }) => host === director));
  const services = [...topology.services.values()].filter((service) => service.directors.includes(director));
  for (const service of services) refuseTooOld(service, director, version);
  const blocks: Block = [
    { head: 'global_defs', body: globals(director, version) },
    ...pairs.map((pair) => ({ head: `vrrp_instance ${pair.name}`, body: instance(pair, director) })),
    ...services.map((service) => ({ head: `virtual_server ${service.vip} ${String(service.port)}`, body: virtualServer(service) })),
  ];
  return `! Configuration File for keepalived\n! ${MANAGED}\n\n${blocks.map((block) => render([block], '').join('\n')).join('\n\n')}\n`;
}

function render(block: Block, indent: string): string[] {
  return block.flatMap((line) => (typeof line === 'string' ? [`${indent}${line}`] : [`${indent}${line.head} {`, ...render(line.body, `${indent}    `), `${indent}}`]));
}

function globals(director: string, version: KeepalivedVersion): Block {
  return [
    `router_id ${director.replaceAll(/[^A-Za-z0-9_.-]/g, '_')}`,
    // A reload of a bad file ends the daemon and leaves the VIP behind (seen with 2.2.7); with this the old configuration stays in force.
    ...(atLeast(version, '2.2.0') ? ['reload_check_config'] : []),
  ];
}

function instance(pair: HaPair, director: string): Block {
  const priority = pair.members.find(({ host }) => host === director)?.priority ?? 0;
  // keepalived clears nopreempt on an instance whose initial state is MASTER.
  const master = pair.preempt && pair.members[0]?.host === director;
  const address = (vip: VirtualAddress): string => `${cidrOf(vip)} dev ${vip.interface ?? pair.interface}`;
  return [
    `state ${master ? 'MASTER' : 'BACKUP'}`,
    ...(pair.preempt ? [] : ['nopreempt']),
    `interface ${pair.interface}`,
    `virtual_router_id ${String(pair.virtualRouterId)}`,
    `priority ${String(priority)}`,
    `advert_int ${String(pair.advertInt)}`,
    ...(pair.authPass === undefined ? [] : [{ head: 'authentication', body: ['auth_type PASS', `auth_pass ${pair.authPass}`] }]),
    { head: 'virtual_ipaddress', body: pair.vips.map(address) },
    ...(pair.excludedVips.length === 0 ? [] : [{ head: 'virtual_ipaddress_excluded', body: pair.excludedVips.map(address) }]),
  ];
}

function virtualServer(service: VirtualService): Block {
  return [
    `delay_loop ${String(service.checkInterval)}`,
    `lb_algo ${service.scheduler}`,
    `lb_kind ${service.mode.toUpperCase()}`,
    // `persistence_timeout 0` is an error for keepalived, so it is left out.
    ...(service.persistence === undefined ? [] : [`persistence_timeout ${String(service.persistence.timeout)}`]),
    `protocol ${service.protocol.toUpperCase()}`,
    ...service.realServers.map((server) => ({
      head: `real_server ${server.address} ${String(server.port)}`,
      body: [`weight ${String(server.weight)}`, ...checksOf(service, server).flatMap((check) => checker(check, server))],
    })),
  ];
}

function checker(check: HealthCheck, server: RealServer): Block {
  if (check.type !== 'tcp' && check.type !== 'http') return [];
  const common = [
    `connect_timeout ${String(check.connectTimeout)}`,
    `retry ${String(check.retry)}`,
    `delay_before_retry ${String(check.delayBeforeRetry)}`,
    `connect_port ${String(check.port ?? server.port)}`,
  ];
  if (check.type === 'tcp') return [{ head: 'TCP_CHECK', body: common }];
  return [{ head: 'HTTP_GET', body: [{ head: 'url', body: [`path "${check.urls[0]?.path ?? '/'}"`, `status_code ${check.urls[0]?.status[0] ?? '200'}`] }, ...common] }];
}

/** What keepalived of a version cannot do (its ChangeLog). */
function refuseTooOld(service: VirtualService, director: string, version: KeepalivedVersion): void {
  const reasons: string[] = [];
  if (service.scheduler === 'twos' && !atLeast(version, '2.2.5')) reasons.push('the scheduler twos needs 2.2.5');
  const highest = Math.max(0, ...service.realServers.map((server) => server.weight));
  if (highest > 65535 && !atLeast(version, '2.1.0')) reasons.push(`a weight above 65535 (up to ${String(MAX_WEIGHT)}) needs 2.1.0`);
  if (service.realServers.some((server) => server.weight === 0) && version.major === 2 && version.minor === 0 && version.patch < 16) {
    reasons.push('weight 0 is refused by 2.0.0 to 2.0.15');
  }
  const [reason] = reasons;
  if (reason === undefined) return;
  throw new LvsPlayError({
    code: 'keepalived-too-old',
    kind: 'input',
    message: `keepalived ${String(version.major)}.${String(version.minor)}.${String(version.patch)} of ${director} cannot carry service ${service.name}: ${reason}`,
    position: service.position,
    hint: 'upgrade keepalived there, or change the service',
    host: director,
  });
}
