import type { JsonObject } from '../../core/json.ts';
import { formatEndpoint } from '../../lvs/model/ip.ts';
import type { HostSetup } from '../host/setup.ts';

/**
 * What a service of a firewall mark matches, in the shape of the inventory: `fwmark`, `endpoints`, and `protocol` where all have one that is not TCP.
 * Undefined: no rule that sets the mark for this family was read.
 */
export function markedPackets({ marks }: Pick<HostSetup, 'marks'>, mark: number, family: 4 | 6): JsonObject | undefined {
  const own = marks.filter((one) => one.mark === mark && one.address.includes(':') === (family === 6));
  const [first] = own;
  if (first === undefined) return undefined;
  const same = own.every(({ protocol }) => protocol === first.protocol);
  const endpoints = own.map(({ address, port, protocol }) => (same ? formatEndpoint(address, port) : { address: formatEndpoint(address, port), protocol }));
  return { fwmark: mark, endpoints, ...(same && first.protocol !== 'tcp' ? { protocol: first.protocol } : {}) };
}
