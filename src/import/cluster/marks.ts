import type { JsonObject } from '../../core/json.ts';
import { formatEndpoint } from '../../lvs/model/ip.ts';
import type { HostSetup } from '../host/setup.ts';
import type { Note } from '../types.ts';

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

/** Rules that mark packets for no service; others' on a live host are told with its firewall. */
export function unusedMarks({ marks, firewall, name }: HostSetup, services: Iterable<JsonObject>): Note[] {
  const used = new Set([...services].map((service) => service['fwmark']));
  const idle = marks.filter(({ mark, position }) => !used.has(mark) && !firewall.rules.some(({ rule }) => rule.position === position));
  return [...new Map(idle.map(({ mark, position }) => [position, mark]))].map(([position, mark]) => ({ kind: 'not-understood', position, ...(name === undefined ? {} : { host: name }), text: `mark ${String(mark)}`, reason: 'left out: no virtual service of that mark was read' }));
}
