import type { DataPath } from '../../../core/located.ts';
import { formatEndpoint, isUsableVip, parseEndpoint } from '../ip.ts';
import type { Problems } from '../problems.ts';
import type { ServiceContext } from '../context.ts';
import type { RawService } from '../schema/shape.ts';
import { addressesOf, type HaPair, type MarkedEndpoint, type Protocol, type ServiceMatch } from '../topology.ts';

/** How a service's packets are told, and its first endpoint. */
export interface Matching {
  readonly match: ServiceMatch;
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
}

const ENDPOINT_HINT = 'write "192.168.0.38:80" or "[2001:db8::1]:80": an IP address that clients can use and a port of 0-65535';

/** By address and port, or by firewall mark; undefined when neither can be read. */
export function buildMatch(name: string, raw: RawService, pair: HaPair | undefined, { problems }: ServiceContext): Matching | undefined {
  const path = ['virtual_services', name];
  if (raw.fwmark === undefined) {
    if (raw.endpoints !== undefined) problems.add({ code: 'endpoints-without-mark', message: `endpoints of ${name} have no meaning without fwmark`, path: [...path, 'endpoints'], of: 'key', hint: 'add fwmark: NUMBER, or write one address' });
    if (raw.address === undefined) {
      problems.add({ code: 'missing-key', message: `lvs.virtual_services.${name} has no address`, path, of: 'key', hint: 'add address: (192.168.0.38:80 or [2001:db8::1]:80), or fwmark: and endpoints:' });
      return undefined;
    }
    const endpoint = parse(raw.address, raw.protocol ?? 'tcp', [...path, 'address'], name, pair, problems);
    if (endpoint === undefined) return undefined;
    if (endpoint.port === 0 && raw.persistence === undefined) {
      problems.add({ code: 'port-zero', message: `port 0 of service ${name} needs persistence`, path: [...path, 'address'], hint: 'add persistence: SECONDS, or name the port; IPVS takes "all ports" only with persistence (ipvsadm(8), -p)' });
    }
    return { match: { kind: 'address' }, ...endpoint };
  }
  if (raw.address !== undefined) problems.add({ code: 'address-and-mark', message: `service ${name} has both address and fwmark`, path: [...path, 'address'], of: 'key', hint: 'keep one; the addresses of a mark are its endpoints' });
  const endpoints = (raw.endpoints ?? []).flatMap((written, index) => {
    const one = typeof written === 'string' ? { address: written } : written;
    return parse(one.address, one.protocol ?? raw.protocol ?? 'tcp', [...path, 'endpoints', index], name, pair, problems) ?? [];
  });
  const [first] = endpoints;
  if (first === undefined) {
    if (raw.endpoints === undefined) problems.add({ code: 'missing-key', message: `lvs.virtual_services.${name} has no endpoints`, path, of: 'key', hint: 'add endpoints: [192.168.0.38:80, ...]: packets to them get the mark' });
    return undefined;
  }
  const family = familyOf(first);
  for (const [index, endpoint] of endpoints.entries()) {
    if (familyOf(endpoint) !== family) {
      problems.add({ code: 'mark-family', message: `the endpoints of ${name} are of both address families`, path: [...path, 'endpoints', index], hint: 'make a service for each family: IPVS keeps marks of IPv4 and IPv6 apart' });
    }
    const same = endpoints.slice(0, index).some((other) => keyOf(other) === keyOf(endpoint));
    if (same) problems.add({ code: 'endpoint-twice', message: `${keyOf(endpoint)} stands twice in ${name}`, path: [...path, 'endpoints', index], hint: 'remove one' });
  }
  return { match: { kind: 'fwmark', mark: raw.fwmark, family, endpoints }, ...first };
}

/** `tcp 192.168.0.38:80`. */
export function keyOf(endpoint: MarkedEndpoint): string {
  return `${endpoint.protocol} ${formatEndpoint(endpoint.address, endpoint.port)}`;
}

function familyOf(endpoint: MarkedEndpoint): 4 | 6 {
  return endpoint.address.includes(':') ? 6 : 4;
}

function parse(text: string, protocol: Protocol, path: DataPath, name: string, pair: HaPair | undefined, problems: Problems): MarkedEndpoint | undefined {
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined || !isUsableVip(endpoint)) {
    problems.add({ code: 'bad-address', message: `${text} is no service address`, path, hint: ENDPOINT_HINT });
    return undefined;
  }
  if (pair !== undefined && !addressesOf(pair).some((vip) => vip.address === endpoint.address)) {
    const hint = `add it to lvs.ha_pairs.${pair.name}.vips, or use one of ${addressesOf(pair).map((vip) => vip.address).join(', ')}: only those move with the pair`;
    problems.add({ code: 'address-not-in-pair', message: `${endpoint.address} of service ${name} is not among the VIPs of ${pair.name}`, path, hint });
  }
  return { protocol, address: endpoint.address, port: endpoint.port };
}
