import type { Observation } from '../../../../src/observe/observation.ts';
import { seen } from '../../observe/support.ts';
import { checkHosts } from '../../../../src/lint/live/check.ts';
import { parseLiveState } from '../../../../src/lint/live/parse.ts';
import { liveQuestion } from '../../../../src/lint/live/question.ts';
import type { LiveRule } from '../../../../src/lint/live/rule.ts';
import type { LiveState } from '../../../../src/lint/live/state.ts';
import type { Found } from '../../../../src/lint/types.ts';
import { PAIR, service } from '../../../../src/lint/rules/examples.ts';
import { parseYaml } from '../../../../src/yaml/load.ts';
import { topologyOf } from '../../lvs/support.ts';

export const NONCE = '0123456789abcdef';

/** Section of an answer -> its lines. */
export type Answer = Readonly<Record<string, string>>;
export interface Cluster {
  readonly lvs: string;
  readonly hosts: Readonly<Record<string, Answer>>;
}

const SYNC = PAIR.replace('vips', 'connection_sync: true\n    preempt: false\n    vips');

/** What makes hosts of a cluster answer that nothing is wrong with it. */
function host(own: string, mac: string, sections: Answer, values: Readonly<Record<string, string>> = {}): Answer {
  const files = {
    '/proc/sys/net/ipv4/conf/all/arp_ignore': '0',
    '/proc/sys/net/ipv4/conf/all/arp_announce': '0',
    '/proc/sys/net/ipv4/conf/all/rp_filter': '0',
    '/proc/sys/net/ipv4/conf/lo/rp_filter': '0',
    '/proc/sys/net/ipv4/conf/eth0/arp_ignore': '0',
    '/proc/sys/net/ipv4/conf/eth0/arp_announce': '0',
    '/proc/sys/net/ipv4/conf/eth0/rp_filter': '0',
    '/proc/sys/net/ipv4/ip_forward': '0',
    '/sys/class/net/eth0/mtu': '1500',
    '/sys/class/net/lo/mtu': '65536',
    '/sys/class/net/eth0/address': `52:54:00:00:00:${mac}`,
    '/sys/class/net/lo/address': '00:00:00:00:00:00',
    ...values,
  };
  return {
    addresses: `1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet ${own}/24 brd 192.168.0.255 scope global eth0`,
    values: Object.entries(files).map(([file, value]) => `${file}:${value}`).join('\n'),
    default4: 'default via 192.168.0.254 dev eth0',
    ...sections,
  };
}

const ROUTES = 'to 192.168.0.18\n192.168.0.18 dev eth0 src 192.168.0.48 uid 0 \\    cache\nto 192.168.0.28\n192.168.0.28 dev eth0 src 192.168.0.48 uid 0 \\    cache';
const HEARD = 'on eth0\nlistening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes\nIP 192.168.0.48 > 224.0.0.18: VRRPv2, Advertisement, vrid 77, prio 100, authtype none, intvl 1s, length 20';
const director = (own: string, mac: string, addresses: string, sections: Answer = {}): Answer => {
  const base = host(own, mac, { routes: ROUTES, modules: 'loaded ip_vs\nloaded ip_vs_wlc', keepalived: 'Keepalived v2.2.7 (01/16,2022)', filters: '', adverts: HEARD, ...sections }, { '/proc/sys/net/ipv4/vs/conn_reuse_mode': '3', '/proc/sys/net/ipv4/vs/expire_nodest_conn': '0' });
  return { ...base, addresses: `${base['addresses'] ?? ''}${addresses}` };
};
const HOLDS = '\n2: eth0    inet 192.168.0.38/32 scope global eth0';
const SILENT = { '/proc/sys/net/ipv4/conf/all/arp_ignore': '1', '/proc/sys/net/ipv4/conf/all/arp_announce': '2' };

function realServer(own: string, mac: string, device: string): Answer {
  const base = host(own, mac, device === 'lo' ? {} : { modules: 'loaded ipip', filters: '' }, { ...SILENT, ...(device === 'lo' ? {} : { '/proc/sys/net/ipv4/conf/tunl0/rp_filter': '2', '/sys/class/net/tunl0/mtu': '1480' }) });
  return { ...base, addresses: `${base['addresses'] ?? ''}\n3: ${device}    inet 192.168.0.38/32 scope global ${device}` };
}

const NAT = `nat_networks:
  inside: { on: lvs1, network: 192.168.0.0/24, gateway: 192.168.0.8 }
virtual_services:
  web:
    on: lvs1
    address: 172.16.254.200:80
    interface: eth1
    mode: nat
    scheduler: wlc
    real_servers: { rs1: { port: 8080 }, rs2: { port: 8080 } }
`;
const gate = (server: Answer): Answer => ({ ...server, default4: 'default via 192.168.0.8 dev eth0' });

/** Clusters of which no live rule has anything to say. */
export const CLUSTERS: Readonly<Record<LiveRule['cluster'], Cluster>> = {
  dr: {
    lvs: `${SYNC}${service()}`,
    hosts: { lvs1: director('192.168.0.48', '30', HOLDS), lvs2: director('192.168.0.58', '3a', ''), rs1: realServer('192.168.0.18', '12', 'lo'), rs2: realServer('192.168.0.28', '1c', 'lo') },
  },
  tun: {
    lvs: `${PAIR}${service('mode: tun')}`,
    hosts: { lvs1: director('192.168.0.48', '30', HOLDS), lvs2: director('192.168.0.58', '3a', ''), rs1: realServer('192.168.0.18', '12', 'tunl0'), rs2: realServer('192.168.0.28', '1c', 'tunl0') },
  },
  nat: {
    lvs: NAT,
    hosts: {
      lvs1: changedBy(director('192.168.0.48', '30', '\n2: eth0    inet 192.168.0.8/24 scope global eth0\n3: eth1    inet 172.16.254.200/24 scope global eth1'), 'values', '/proc/sys/net/ipv4/ip_forward:1'),
      rs1: gate(host('192.168.0.18', '12', {})),
      rs2: gate(host('192.168.0.28', '1c', {})),
    },
  },
};

/** An answer as `liveScript` prints it. */
export function answerText(answer: Answer): string {
  return `${Object.entries(answer).map(([name, text]) => `\n${NONCE} ${name}\n${text}\n`).join('')}\n${NONCE} end\n`;
}

function changedBy(answer: Answer, section: string, line: string): Answer {
  if (section !== 'values') return { ...answer, [section]: line };
  const file = line.slice(0, line.lastIndexOf(':') + 1);
  const others = (answer[section] ?? '').split('\n').filter((one) => !one.startsWith(file));
  return { ...answer, values: [...others, line].join('\n') };
}

/** A cluster with the lines of an example in it: of a section's lines all are replaced, of `values` those about the same file. */
export function withExample({ lvs, hosts }: Cluster, example: string): Cluster {
  const changed: Record<string, Answer> = { ...hosts };
  const begun = new Set<string>();
  for (const text of example.split('\n')) {
    const [, name = '', section = '', line = ''] = /^(\S+) (\S+): ?(.*)$/.exec(text) ?? [];
    const answer = changed[name];
    if (answer === undefined) throw new Error(`no such host: ${text}`);
    const more = section !== 'values' && begun.has(`${name} ${section}`);
    changed[name] = changedBy(answer, section, more ? `${answer[section] ?? ''}\n${line}` : line);
    begun.add(`${name} ${section}`);
  }
  return { lvs, hosts: changed };
}

function statesOf({ lvs, hosts }: Cluster): Observation<LiveState> {
  const topology = topologyOf(lvs);
  return seen(Object.fromEntries(Object.entries(hosts).map(([name, answer]) => [name, parseLiveState(name, liveQuestion(topology, name), answerText(answer), NONCE)])));
}

export function foundIn(cluster: Cluster): readonly Found[] {
  return checkHosts({ topology: topologyOf(cluster.lvs), lvs: parseYaml(cluster.lvs, 'lvs.yml') }, statesOf(cluster));
}

/** `rule: message`. */
export function told(found: readonly Found[]): string[] {
  return found.map(({ rule, message }) => `${rule}: ${message}`);
}
