import fc from 'fast-check';
import { type IpvsDestination, type IpvsService, type IpvsTable, serviceKey } from '../../../../src/lvs/ipvs/types.ts';
import { formatEndpoint } from '../../../../src/lvs/model/ip.ts';

const weight = fc.oneof(fc.constantFrom(0, 1, 2), fc.nat({ max: 2147483647 }));
const tunnel = fc.constantFrom<NonNullable<IpvsDestination['tunnel']>>(
  { type: 'ipip', port: undefined, checksum: 'none' },
  { type: 'gue', port: 6080, checksum: 'remcsum' },
  { type: 'gue', port: 6081, checksum: 'none' },
  { type: 'gre', port: undefined, checksum: 'csum' },
);
const server = (six: boolean, port: number) =>
  fc.record({ last: fc.integer({ min: 1, max: 4 }), forward: fc.constantFrom('dr', 'nat', 'tun'), weight, tunnel, thresholds: fc.constantFrom({ upperThreshold: 0, lowerThreshold: 0 }, { upperThreshold: 100, lowerThreshold: 0 }, { upperThreshold: 100, lowerThreshold: 50 }), natPort: fc.constantFrom(port, 8080) }).map(
    ({ last, natPort, thresholds, ...one }): IpvsDestination => ({
      ...one,
      ...thresholds,
      forward: one.forward,
      address: six ? `2001:db8::${String(last)}` : `10.0.0.${String(last)}`,
      port: one.forward === 'nat' ? natPort : port,
      tunnel: one.forward === 'tun' ? one.tunnel : undefined,
      activeConnections: undefined,
      inactiveConnections: undefined,
    }),
  );
const service = fc
  .record({ protocol: fc.constantFrom<IpvsService['protocol']>('tcp', 'udp', 'sctp', 'fwm'), six: fc.boolean(), number: fc.integer({ min: 1, max: 3 }), scheduler: fc.constantFrom('rr', 'wrr', 'sh', 'mh'), persistence: fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined }), sip: fc.boolean(), prefix: fc.integer({ min: 1, max: 32 }), ops: fc.boolean() })
  .chain(({ protocol, six, number, scheduler, persistence, sip, prefix, ops }) => {
    const port = protocol === 'fwm' ? 0 : 80;
    const flags = [...(scheduler === 'sh' ? ['sh-port', 'sh-fallback'] : scheduler === 'mh' ? ['mh-port'] : []), ...(ops && (protocol === 'udp' || protocol === 'fwm') ? ['ops'] : [])].sort();
    const address = protocol === 'fwm' ? '' : six ? `2001:db8:1::${String(number)}` : `192.168.0.${String(number)}`;
    return fc.uniqueArray(server(six, port), { maxLength: 4, selector: (one) => formatEndpoint(one.address, one.port) }).map(
      (destinations): IpvsService => ({
        protocol,
        address,
        port: protocol === 'fwm' ? number : port,
        ...(protocol === 'fwm' ? { family: six ? 6 : 4 } : {}),
        scheduler,
        flags,
        persistence,
        persistencePrefix: persistence === undefined ? undefined : six ? prefix * 4 : prefix,
        engine: persistence === undefined ? undefined : sip ? 'sip' : null,
        destinations,
      }),
    );
  });
/** Tables with services of every kind and option. */
export const tables = fc.uniqueArray(service, { maxLength: 6, selector: serviceKey }).map((services): IpvsTable => ({ services }));
