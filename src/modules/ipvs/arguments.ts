import { LvsPlayError } from '../../core/errors.ts';
import type { IpvsDestination, IpvsService } from '../../lvs/ipvs/types.ts';
import { parseEndpoint, parseIp } from '../../lvs/model/ip.ts';
import type { Args } from '../contract.ts';

const MODES = ['dr', 'nat', 'tun'] as const;

/** Arguments of the module `ipvs`. */
export const ipvsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    service: { type: 'string', description: 'VIP:port, [IPv6]:port.' },
    protocol: { enum: ['tcp', 'udp', 'sctp'], description: 'Default tcp.' },
    fwmark: { type: 'integer', minimum: 1, maximum: 4294967295, description: 'A firewall mark instead of service.' },
    family: { enum: [4, 6], description: 'Address family of a firewall mark. Default 4.' },
    scheduler: { type: 'string', pattern: '^[a-z]{1,15}$', description: 'rr, wrr, lc, wlc, ...; needed unless state is absent.' },
    scheduler_flags: { type: 'array', items: { enum: ['sh-port', 'sh-fallback', 'mh-port', 'mh-fallback'] }, description: 'Default none.' },
    one_packet: { type: 'boolean', description: 'Every packet is scheduled anew (UDP or a mark). Default false.' },
    persistence: { type: 'integer', minimum: 1, maximum: 2678400, description: 'Seconds for which a client stays with its real server. Default none.' },
    persistence_prefix: { type: 'integer', minimum: 1, maximum: 128, description: 'Clients of one network of this prefix length stay together. Default each client alone.' },
    persistence_engine: { enum: ['sip'], description: 'sip: by Call-ID (UDP).' },
    mode: { enum: MODES, description: "How packets reach real servers that say nothing of their own. Default dr." },
    real_servers: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['server'],
        properties: {
          server: { type: 'string', description: 'Address, with nat also address:port.' },
          weight: { type: 'integer', minimum: 0, maximum: 2147483647, description: 'Default 1.' },
          mode: { enum: MODES, description: "Default the service's." },
          upper_threshold: { type: 'integer', minimum: 0, maximum: 4294967295, description: 'Connections at which it gets no more; 0: no limit.' },
          lower_threshold: { type: 'integer', minimum: 0, maximum: 4294967295, description: 'Connections at which it gets some again.' },
          tunnel: { enum: ['ipip', 'gue', 'gre'], description: 'Of mode tun. Default ipip.' },
          tunnel_port: { type: 'integer', minimum: 1, maximum: 65535, description: 'UDP port of gue.' },
          tunnel_checksum: { enum: ['none', 'csum', 'remcsum'], description: 'Of gue and gre. Default none.' },
        },
      },
      description: 'All of them: others are removed from the service. Left out: those that are there stay.',
    },
    state: { enum: ['present', 'absent'], description: 'Default present.' },
  },
} as const;

export type IpvsArgs = Args<typeof ipvsSchema>;
type ServerArgs = NonNullable<IpvsArgs['real_servers']>[number];

/**
 * The service that the arguments name, as it shall be.
 * @throws LvsPlayError `bad-argument` for what ipvsadm or the kernel would refuse, or change without a word
 */
export function namedService(args: IpvsArgs): IpvsService {
  const place = placeOf(args);
  const { persistence, mode = 'dr', one_packet: onePacket = false } = args;
  const ipv6 = place.address.includes(':') || place.family === 6;
  if (args.scheduler === undefined && args.state !== 'absent') throw bad('"scheduler" is missing', 'choose one, rr for example');
  if (persistence === undefined && (args.persistence_prefix !== undefined || args.persistence_engine !== undefined)) throw bad('persistence_prefix and persistence_engine need persistence', 'add persistence: 300');
  if (!ipv6 && (args.persistence_prefix ?? 32) > 32) throw bad('persistence_prefix of IPv4 is 1-32', 'choose 1-32');
  if (place.protocol !== 'fwm' && place.port === 0 && persistence === undefined && args.state !== 'absent') throw bad('port 0, all ports, needs persistence', 'add persistence: 300, or name a port');
  if (onePacket && (place.protocol === 'tcp' || place.protocol === 'sctp')) throw bad('one_packet is for UDP and firewall marks', 'remove it');
  return {
    ...place,
    scheduler: args.scheduler ?? '',
    flags: [...(args.scheduler_flags ?? []), ...(onePacket ? ['ops'] : [])].sort(),
    persistence,
    persistencePrefix: persistence === undefined ? undefined : (args.persistence_prefix ?? (ipv6 ? 128 : 32)),
    engine: persistence === undefined ? undefined : (args.persistence_engine ?? null),
    destinations: (args.real_servers ?? []).map((server) => destinationOf(server, place, server.mode ?? mode)),
  };
}

type Place = Pick<IpvsService, 'protocol' | 'address' | 'port' | 'family'>;

function placeOf({ service, fwmark, protocol = 'tcp', family = 4 }: IpvsArgs): Place {
  if ((service === undefined) === (fwmark === undefined)) throw bad('name either service or fwmark', 'service: 192.168.0.38:80, or fwmark: 7');
  if (fwmark !== undefined) return { protocol: 'fwm', address: '', port: fwmark, family };
  const endpoint = parseEndpoint(service ?? '');
  if (endpoint === undefined) throw bad(`${service ?? ''} is no address with a port`, 'write 192.168.0.38:80 or [2001:db8::38]:80');
  return { protocol, address: endpoint.address, port: endpoint.port };
}

function destinationOf(args: ServerArgs, place: Place, forward: (typeof MODES)[number]): IpvsDestination {
  const own = place.protocol === 'fwm' ? 0 : place.port;
  const alone = parseIp(args.server);
  const endpoint = alone === undefined ? parseEndpoint(args.server) : { ...alone, port: own };
  if (endpoint === undefined) throw bad(`${args.server} is no address of a real server`, 'write 192.168.0.18, or with mode nat 192.168.0.18:8080');
  if (forward !== 'nat' && endpoint.port !== own) throw bad(`${args.server}: mode ${forward} cannot change the port`, 'leave the port out, or use mode: nat');
  // The kernel says no more than "Numerical result out of range".
  if ((args.lower_threshold ?? 0) > (args.upper_threshold ?? 0)) throw bad(`${args.server}: lower_threshold is above upper_threshold`, 'choose an upper_threshold above it');
  if (forward !== 'tun' && (args.tunnel !== undefined || args.tunnel_port !== undefined || args.tunnel_checksum !== undefined)) throw bad(`${args.server}: a tunnel needs mode tun`, 'use mode: tun');
  const tunnel = { type: args.tunnel ?? 'ipip', port: args.tunnel_port ?? (args.tunnel === 'gue' ? 6080 : undefined), checksum: args.tunnel_checksum ?? 'none' } as const;
  if (tunnel.type !== 'gue' && (args.tunnel_port !== undefined || tunnel.checksum === 'remcsum')) throw bad(`${args.server}: only gue has a port and remcsum`, 'use tunnel: gue');
  if (tunnel.type === 'ipip' && tunnel.checksum !== 'none') throw bad(`${args.server}: ipip has no checksum`, 'use tunnel: gre or gue');
  return {
    address: endpoint.address,
    port: endpoint.port,
    forward,
    weight: args.weight ?? 1,
    upperThreshold: args.upper_threshold ?? 0,
    lowerThreshold: args.lower_threshold ?? 0,
    tunnel: forward === 'tun' ? tunnel : undefined,
    activeConnections: undefined,
    inactiveConnections: undefined,
  };
}

function bad(message: string, hint: string): LvsPlayError {
  return new LvsPlayError({ code: 'bad-argument', kind: 'input', message: `ipvs: ${message}`, hint });
}
