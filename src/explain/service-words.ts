import { addressesOf, type Scheduler, type Topology, type VirtualService } from '../lvs/model/topology.ts';
import { formatEndpoint } from '../lvs/model/ip.ts';

/** How each scheduler chooses (Documentation of IPVS: net/netfilter/ipvs/Kconfig and ip_vs_*.c). */
const CHOICE: Readonly<Record<Scheduler, string>> = {
  rr: 'each in turn',
  wrr: 'in turn, as often as their weights say',
  lc: 'the one with the fewest connections',
  wlc: 'the one with the fewest connections for its weight',
  lblc: 'the one that has had this destination address, unless it is overloaded',
  lblcr: 'one of the set that has had this destination address, widened when they are overloaded',
  dh: 'by a hash of the destination address',
  sh: "by a hash of the client's address",
  sed: 'the one with the shortest expected delay: (connections + 1) / weight',
  nq: 'one that is idle, else the one with the shortest expected delay',
  fo: 'the one with the highest weight, as long as it is there',
  ovf: 'the one with the highest weight, until it has more active connections than its weight, then the next',
  mh: "by a hash of the client's address that keeps most clients where they are when servers come and go",
  twos: 'of two picked at random by weight, the one with fewer connections',
};

/** `192.168.0.38:80`; all ports for 0. */
export function clientEndpoint(address: string, port: number): string {
  return port === 0 ? `${address.includes(':') ? `[${address}]` : address}:*` : formatEndpoint(address, port);
}

/** Sentences on who holds the VIP, what makes a packet the service's, and which real server gets it. */
export function describeService(topology: Topology, service: VirtualService): readonly string[] {
  return [holder(topology, service), matching(service), choice(service), ...persistence(service), ...sorry(service), ...helper(service), ...sync(topology, service)];
}

function holder(topology: Topology, service: VirtualService): string {
  const pair = service.pair === undefined ? undefined : topology.pairs.get(service.pair);
  if (pair === undefined) {
    const [director = ''] = service.directors;
    const where = service.vipInterface === undefined ? 'is an address of its own' : `is put on ${service.vipInterface} by lvs-play`;
    return `The director is ${director}; ${service.vip} ${where}.`;
  }
  const members = pair.members.map(({ host, priority }) => `${host} (priority ${String(priority)})`).join(', ');
  const moving = addressesOf(pair).map(({ address }) => address).join(', ');
  return `HA pair ${pair.name}: ${members}; the one that is MASTER of virtual router ${String(pair.virtualRouterId)} holds ${moving}.`;
}

function matching({ match, protocol, vip, port, onePacket }: VirtualService): string {
  const what = match.kind === 'fwmark' ? `packets with the firewall mark ${String(match.mark)}, which a rule of the mangle table sets before routing` : `${protocol.toUpperCase()} packets to ${clientEndpoint(vip, port)}`;
  return `IPVS takes ${what}${port === 0 && match.kind === 'address' ? ' (all ports)' : ''}${onePacket ? ', each packet by itself' : ''}.`;
}

function choice({ scheduler, schedulerFlags }: VirtualService): string {
  return `The scheduler ${scheduler} chooses the real server: ${CHOICE[scheduler]}${schedulerFlags.length === 0 ? '' : ` (${schedulerFlags.join(', ')})`}.`;
}

function persistence({ persistence: kept, vip }: VirtualService): string[] {
  if (kept === undefined) return [];
  const alone = kept.prefix === (vip.includes(':') ? 128 : 32);
  const who = kept.engine === 'sip' ? 'Packets with the same SIP Call-ID' : alone ? 'A client' : `Clients of one /${String(kept.prefix)} network`;
  return [`${who} stay${who === 'A client' ? 's' : ''} with the chosen real server until ${String(kept.timeout)} seconds have passed without a connection (persistence).`];
}

function sorry({ sorryServer, quorum }: VirtualService): string[] {
  if (sorryServer === undefined) return [];
  return [`When live weights sum to less than ${String(quorum.count - quorum.hysteresis)}, ${clientEndpoint(sorryServer.address, sorryServer.port)} answers instead, by ${sorryServer.mode.toUpperCase()}.`];
}

function helper({ helper: name, mode }: VirtualService): string[] {
  if (name === undefined) return [];
  return [mode === 'nat' ? 'The module ip_vs_ftp reads the control connection and rewrites the address of data connections.' : 'FTP data connections go to the same real server by persistence.'];
}

function sync(topology: Topology, { pair: name }: VirtualService): string[] {
  const synced = name === undefined ? undefined : topology.pairs.get(name)?.connectionSync;
  if (synced === undefined) return [];
  return [`The active director tells the others its connections over ${synced.interface} (UDP ${String(synced.port ?? 8848)}, sync ID ${String(synced.syncId)}), so that they go on after a failover.`];
}
