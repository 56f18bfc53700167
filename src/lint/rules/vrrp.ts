import type { HaPair, Topology } from '../../lvs/model/topology.ts';
import { defineRules, type Hit, type LintContext } from '../types.ts';
import { PAIR, service } from './examples.ts';

const WEB = service();

/** Rules about HA pairs. */
export const vrrpRules = defineRules([
  {
    id: 'common-vrid',
    severity: 'info',
    summary: 'the virtual_router_id is the one of every guide',
    why: 'Two pairs with one id on a network take each other\'s adverts for their own; 51 is what most examples use.',
    source: 'RFC 3768, 5.3.3; keepalived.conf(5)',
    bad: `${PAIR.replace('77', '§51')}${WEB}`,
    good: `${PAIR}${WEB}`,
    check: (context) => pairs(context, ({ virtualRouterId }) => virtualRouterId === 51).map((pair) => ({ path: at(pair, 'virtual_router_id'), message: `${pair.name} has virtual_router_id 51, which others on the network may have as well`, hint: 'choose one that nobody would come upon, 1-255; tcpdump -ni INTERFACE proto 112 shows who else advertises' })),
  },
  {
    id: 'auth-in-clear',
    severity: 'info',
    summary: 'auth_pass is sent in clear',
    why: 'VRRPv2\'s password is in every advert, readable by everybody on the network. It guards against mistakes only, and a change of it makes both directors MASTER for a moment.',
    source: 'RFC 3768, 10 (authentication was removed from the standard)',
    bad: `${PAIR}    §auth_pass: "s3cret"\n${WEB}`,
    good: `${PAIR}${WEB}`,
    check: (context) => pairs(context, ({ authPass }) => authPass !== undefined).map((pair) => ({ path: at(pair, 'auth_pass'), of: 'key', message: `auth_pass of ${pair.name} is sent in clear with each advert`, hint: 'leave it out, or use unicast: true and a firewall against strangers; keep it in a vault in any case' })),
  },
  {
    id: 'tracking-without-effect',
    severity: 'warning',
    summary: 'a tracker\'s weight is smaller than the distance of the priorities',
    why: 'Its failure lowers the MASTER\'s priority, but not below the next one\'s, so the VIPs stay where they are (with equal priorities the higher address decides).',
    source: 'keepalived.conf(5), track_interface and vrrp_script, weight',
    bad: `${PAIR}    track: { interfaces: [§{ name: eth1, weight: -5 }] }\n${WEB}`,
    good: `${PAIR}    track: { interfaces: [{ name: eth1, weight: -20 }] }\n${WEB}`,
    check: (context) =>
      pairs(context, () => true).flatMap((pair) => {
        const [first, second] = pair.members;
        const distance = (first?.priority ?? 0) - (second?.priority ?? 0);
        return (['interfaces', 'scripts', 'processes', 'bfd'] as const).flatMap((kind) =>
          pair.track[kind].flatMap((item, index) => {
            const weight = item.weight ?? weightOf(context.topology, kind, item.name);
            if (weight === undefined || weight === 0 || Math.abs(weight) > distance) return [];
            return [{ path: at(pair, 'track', kind, index), message: `the weight ${String(weight)} of ${item.name} does not move the VIPs of ${pair.name}: the priorities are ${String(distance)} apart`, hint: `use ${String(weight < 0 ? -(distance + 1) : distance + 1)} or further from 0, or no weight: then a failure means FAULT` }];
          }),
        );
      }),
  },
  {
    id: 'failback-before-sync',
    severity: 'warning',
    summary: 'a director that returns takes over before it knows the connections',
    why: 'With connection_sync the returning director has an empty table; taking the VIPs at once cuts every connection that the other one kept.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_sync.c; keepalived.conf(5), preempt_delay',
    bad: `${PAIR}    §connection_sync: true\n${WEB}`,
    good: `${PAIR}    connection_sync: true\n    preempt_delay: 60\n${WEB}`,
    check: (context) =>
      pairs(context, (pair) => pair.connectionSync !== undefined && pair.preempt && pair.preemptDelay === 0).map((pair) => ({ path: at(pair, 'connection_sync'), of: 'key', message: `a director of ${pair.name} that returns takes over at once, without the connections`, hint: 'add preempt_delay: 60, or preempt: false' })),
  },
  {
    id: 'slow-failover',
    severity: 'warning',
    summary: 'a crashed director is noticed late',
    why: 'A BACKUP takes over when it has heard nothing for three intervals and a skew time of less than one: with advert_int 5 that may be 15 seconds and more.',
    source: 'RFC 3768, 6.1 (Master_Down_Interval)',
    bad: `${PAIR}    advert_int: §5\n${WEB}`,
    good: `${PAIR}    advert_int: 1\n${WEB}`,
    check: (context) => pairs(context, ({ advertInt }) => advertInt > 3).map((pair) => ({ path: at(pair, 'advert_int'), message: `a crash of ${pair.name}'s MASTER is noticed after three intervals, about ${String(3 * pair.advertInt)} s`, hint: 'set advert_int: 1, or version: 3 and fractions of a second' })),
  },
  {
    id: 'no-garp-refresh',
    severity: 'info',
    summary: 'the MASTER tells of its virtual IPs once only',
    why: 'A director whose cable was out has been MASTER all the while. When it is back and hears nothing of the other one before that steps down, it sends no gratuitous ARP, and clients go on asking the other one\'s card until their own entries age.',
    source: 'measured in the lab with keepalived 2.2.7: nobody was answered for 14.2 s, with a refresh of 5 s for 2.9 s; keepalived.conf(5), garp_master_refresh',
    bad: PAIR.replace('edge:', '§edge:'),
    good: `${PAIR}    garp: { refresh: 5 }\n${WEB}`,
    check: (context) =>
      pairs(context, ({ garp, members }) => members.length > 1 && (garp.refresh ?? 0) === 0).map((pair) => ({ path: at(pair), of: 'key', message: `clients may stay with the wrong director of ${pair.name} after one was cut off from the network and came back`, hint: 'set garp: { refresh: 5 }: the MASTER sends gratuitous ARP again every 5 s' })),
  },
  {
    id: 'ipv6-without-link-local',
    severity: 'info',
    summary: 'the first IPv6 address of a pair is not link-local',
    why: 'The standard wants the link-local address of the virtual router first. keepalived works without, other routers on the network may not.',
    source: 'RFC 5798, 5.2.9; keepalived.conf(5), virtual_ipaddress',
    bad: PAIR.replace('192.168.0.38', '§"2001:db8::38"'),
    good: `${PAIR}${WEB}`,
    check: (context) => pairs(context, ({ vips: [first] }) => first?.address.includes(':') === true).map((pair) => ({ path: at(pair, 'vips', 0), message: `the first address of ${pair.name} is no link-local one`, hint: 'nothing is to be done unless other VRRP routers share its virtual_router_id' })),
  },
  {
    id: 'sync-slow-connections',
    severity: 'info',
    summary: 'connection synchronisation forgets slow connections',
    why: 'A connection is told of at its third packet from the client, then at each fiftieth, and when it closes (sync_threshold 3 50). The other director does not know one that was only opened, and forgets one whose client sends fewer than 50 packets within the time-out, 15 minutes for TCP.',
    source: 'Linux, Documentation/networking/ipvs-sysctl.rst, sync_threshold; net/netfilter/ipvs/ip_vs_sync.c (ip_vs_sync_conn_needed); measured on Linux 6.1',
    bad: `${PAIR}    §connection_sync: true\n    preempt: false\n${WEB}`,
    good: `ipvs: { sysctls: { sync_threshold: "3 0", sync_refresh_period: 10 } }\n${PAIR}    connection_sync: true\n    preempt: false\n${WEB}`,
    check: ({ topology }) => {
      const { sync_threshold: threshold = '3 50', sync_refresh_period: refresh = '0' } = topology.ipvs.sysctls;
      if (Number(refresh) > 0 && Number(threshold.trim().split(/ +/)[1]) === 0) return [];
      return pairs({ topology }, ({ connectionSync }) => connectionSync !== undefined).map((pair) => ({ path: at(pair, 'connection_sync'), of: 'key', message: `slow connections of ${pair.name} are cut by a failover: the other director forgets clients that send little`, hint: 'where such connections matter, set ipvs: { sysctls: { sync_threshold: "3 0", sync_refresh_period: 10 } }: by time instead of packets' }));
    },
  },
]);

function pairs({ topology }: LintContext, holds: (pair: HaPair) => boolean): readonly HaPair[] {
  return [...topology.pairs.values()].filter(holds);
}

function at(pair: HaPair, ...path: readonly (string | number)[]): Hit['path'] {
  return ['ha_pairs', pair.name, ...path];
}

/** The weight of the definition, where the use has none. */
function weightOf({ trackers }: Topology, kind: 'interfaces' | 'scripts' | 'processes' | 'bfd', name: string): number | undefined {
  if (kind === 'scripts') return trackers.scripts.get(name)?.weight;
  return kind === 'processes' ? trackers.processes.get(name)?.weight : undefined;
}
