import type { AddressInfo } from 'node:net';
import type { Server } from 'node:net';
import type { Topology } from '../../../src/lvs/model/topology.ts';
import type { DirectorState } from '../../../src/verify/types.ts';
import { EXAMPLE, topologyOf } from '../lvs/support.ts';

export const VIP = '192.168.0.38';
export const MAC1 = '52:54:00:00:00:01';
export const MAC2 = '52:54:00:00:00:02';
export const KEY = 'TCP 192.168.0.38:80';

export function example(change: (text: string) => string = (text) => text): Topology {
  return topologyOf(change(EXAMPLE));
}

const HEAD = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
`;

/** /proc/net/ip_vs of the article's cluster. */
export function procTable(servers: readonly string[] = ['C0A80012', 'C0A8001C'], scheduler = 'rr', weights: readonly number[] = [1, 1]): string {
  return `${HEAD}TCP  C0A80026:0050 ${scheduler} \n${servers.map((server, index) => `  -> ${server}:0050      Route   ${String(weights[index] ?? 1)}      0          3         \n`).join('')}`;
}

/** A director of the article's cluster, as it should be; the MASTER holds the VIP. */
export function state(host: 'lvs1' | 'lvs2', change: Partial<DirectorState> = {}): DirectorState {
  const own = host === 'lvs1' ? '192.168.0.48' : '192.168.0.58';
  return {
    host,
    addresses: new Map([['127.0.0.1', 'lo'], [own, 'eth0'], ...(host === 'lvs1' ? [[VIP, 'eth0'] as const] : [])]),
    macs: new Map([['eth0', host === 'lvs1' ? MAC1 : MAC2]]),
    ipvs: procTable(),
    connections: counters(0, 0),
    connReuseMode: 3,
    expireNodestConn: 0,
    sync: [],
    drains: {},
    failovers: {},
    keepalived: { major: 2, minor: 2, patch: 7 },
    ...change,
  };
}

export function counters(rs1: number, rs2: number): DirectorState['connections'] {
  return new Map([[KEY, new Map([['192.168.0.18:80', rs1], ['192.168.0.28:80', rs2]])]]);
}

/** What the director script prints in that state. */
export function stateText(of: DirectorState): string {
  const services = [...of.connections].map(
    ([key, servers]) => `${key}        9       9        0     9        0\n${[...servers].map(([server, count]) => `  -> ${server}      ${String(count)}        0        0     0        0\n`).join('')}`,
  );
  return [
    ...[...of.addresses].map(([address, iface], index) => `${String(index + 1)}: ${iface}    inet ${address}/24 scope global ${iface}\\       valid_lft forever preferred_lft forever`),
    '--- link',
    ...[...of.macs].map(([iface, mac], index) => `${String(index + 1)}: ${iface}@if7: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default \\    link/ether ${mac} brd ff:ff:ff:ff:ff:ff`),
    '--- vs',
    ...(of.connReuseMode === undefined ? [] : [`/proc/sys/net/ipv4/vs/conn_reuse_mode:${String(of.connReuseMode)}`]),
    ...(of.expireNodestConn === undefined ? [] : [`/proc/sys/net/ipv4/vs/expire_nodest_conn:${String(of.expireNodestConn)}`]),
    '--- ipvs',
    ...(of.ipvs === undefined ? [] : [of.ipvs.trimEnd()]),
    '--- stats',
    'IP Virtual Server version 1.2.1 (size=4096)',
    'Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes',
    '  -> RemoteAddress:Port',
    ...services,
    '--- daemons',
    ...of.sync.map((role) => `${role} sync daemon (mcast=eth0, syncid=51)`),
    '--- drains',
    '===',
    ...Object.values(of.drains).map((record) => JSON.stringify(record)),
    '--- failovers',
    '===',
    ...Object.values(of.failovers).map((record) => JSON.stringify(record)),
    '--- keepalived',
    ...(of.keepalived === undefined ? [] : [`keepalived\tii \t1:${String(of.keepalived.major)}.${String(of.keepalived.minor)}.${String(of.keepalived.patch)}-1+b2`]),
    '',
  ].join('\n');
}

/** Starts a server on a free port of 127.0.0.1. */
export async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
