import { formatEndpoint } from '../ip.ts';
import { keyOf } from './matching.ts';
import type { Problem, Problems } from '../problems.ts';
import type { MarkedEndpoint, VirtualService } from '../topology.ts';

/** That no other service has the same packets on one director, nor puts the same VIP elsewhere; one problem for each pair of services. */
export function checkBetweenServices(service: VirtualService, others: ReadonlyMap<string, VirtualService>, problems: Problems): void {
  for (const other of others.values()) {
    if (!other.directors.some((host) => service.directors.includes(host))) continue;
    const problem = samePackets(service, other) ?? twoInterfaces(service, other);
    if (problem !== undefined) problems.add(problem);
  }
}

function samePackets(service: VirtualService, other: VirtualService): Problem | undefined {
  if (service.match.kind === 'fwmark' && other.match.kind === 'fwmark') return sameMarks(service, service.match, other, other.match);
  if (service.match.kind === 'fwmark') return hidden(service, service.match.endpoints, other, service);
  if (other.match.kind === 'fwmark') return hidden(other, other.match.endpoints, service, service);
  if (other.protocol !== service.protocol || other.vip !== service.vip || other.port !== service.port) return undefined;
  return {
    code: 'duplicate-service',
    message: `services ${other.name} and ${service.name} are both ${service.protocol} ${formatEndpoint(service.vip, service.port)}`,
    path: at(service, 'address'),
    hint: 'join them into one, or change the address, port or protocol of one: IPVS tells services apart by these three',
  };
}

type Mark = Extract<VirtualService['match'], { readonly kind: 'fwmark' }>;

function sameMarks(service: VirtualService, own: Mark, other: VirtualService, others: Mark): Problem | undefined {
  if (own.mark === others.mark && own.family === others.family) {
    return { code: 'duplicate-service', message: `services ${other.name} and ${service.name} both have mark ${String(own.mark)}`, path: at(service, 'fwmark'), hint: 'choose another mark for one' };
  }
  const shared = own.endpoints.findIndex((endpoint) => others.endpoints.some((one) => keyOf(one) === keyOf(endpoint)));
  if (shared < 0) return undefined;
  return { code: 'endpoint-twice', message: `an endpoint of ${service.name} gets the mark of ${other.name} too`, path: at(service, 'endpoints', shared), hint: 'a packet has one mark: remove it from one' };
}

/** The kernel looks for a mark first (ip_vs_service_find), so that a service whose packets are all marked never gets one. */
function hidden(marking: VirtualService, endpoints: readonly MarkedEndpoint[], plain: VirtualService, later: VirtualService): Problem | undefined {
  const index = endpoints.findIndex(({ protocol, address, port }) => protocol === plain.protocol && address === plain.vip && (port === plain.port || port === 0));
  if (index < 0) return undefined;
  return {
    code: 'service-under-mark',
    message: `every packet to ${plain.name} gets the mark of ${marking.name}, which the kernel looks for first`,
    path: later === marking ? at(later, 'endpoints', index) : at(later, 'address'),
    hint: `remove the endpoint from ${marking.name}, or ${plain.name}`,
  };
}

function twoInterfaces(service: VirtualService, other: VirtualService): Problem | undefined {
  if (service.vip !== other.vip || service.vipInterface === undefined || other.vipInterface === undefined || service.vipInterface === other.vipInterface) return undefined;
  return { code: 'vip-on-two-interfaces', message: `${other.name} puts ${service.vip} on ${other.vipInterface}, ${service.name} on ${service.vipInterface}`, path: at(service, 'interface'), hint: 'name the same interface in both' };
}

function at(service: VirtualService, ...path: readonly (string | number)[]): (string | number)[] {
  return ['virtual_services', service.name, ...path];
}
