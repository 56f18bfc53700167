import { endpointsOf, vipsOf } from '../../lvs/model/lookups.ts';
import type { VirtualService } from '../../lvs/model/topology.ts';
import { defineRules, type LintContext } from '../types.ts';
import { PAIR, service } from './examples.ts';
import { at, services } from './services.ts';

const NO_CHECK = 'health_check: { type: none }';
/** Two VIPs of a mark, as a transparent cache has many destinations. */
const MARKED = service('scheduler: dh', 'address:', 'fwmark: 7', 'endpoints: [192.168.0.38:80, 192.168.0.39:80]');

/** Rules about how a scheduler chooses. */
export const schedulingRules = defineRules([
  {
    id: 'hash-without-fallback',
    severity: 'warning',
    summary: 'the scheduler sh or mh has no fallback',
    why: 'A server of weight 0 or over its threshold refuses the clients that are hashed to it, so that it can never be drained without losing them.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_sh.c and ip_vs_mh.c',
    bad: `${PAIR}${service('scheduler: §sh')}`,
    good: `${PAIR}${service('scheduler: sh', 'scheduler_flags: [sh-fallback]')}`,
    check: (context) =>
      services(context, hashesWithoutFallback).map((one) => ({
        path: at(one, 'scheduler'),
        message: `${one.name} has scheduler ${one.scheduler} without ${one.scheduler}-fallback`,
        hint: `add scheduler_flags: [${one.scheduler}-fallback]`,
      })),
  },
  {
    id: 'inhibit-with-hash',
    severity: 'error',
    summary: 'a server that is inhibited stays in a hashing service with weight 0, which refuses clients',
    why: 'inhibit_on_failure leaves a dead server in the table with weight 0, and inhibit a sorry server that is not needed; drains by flag files (lvs.drain.method: flag) inhibit all. Without fallback sh and mh go on choosing it, and the clients that are hashed to it are refused.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_sh.c; keepalived.conf(5), inhibit_on_failure',
    bad: `${PAIR}${service('scheduler: §sh', 'inhibit_on_failure: true')}`,
    good: `${PAIR}${service('scheduler: sh', 'scheduler_flags: [sh-fallback]', 'inhibit_on_failure: true')}`,
    check: (context) =>
      services(context, hashesWithoutFallback).flatMap((one) =>
        one.realServers
          .filter((server) => server.inhibitOnFailure || one.sorryServer?.inhibit === true || flags(context, one))
          .slice(0, 1)
          .map(() => ({ path: at(one, 'scheduler'), message: `${one.name} refuses clients that are hashed to an inhibited server: it stays with weight 0 under ${one.scheduler}`, hint: `add scheduler_flags: [${one.scheduler}-fallback], or remove inhibit_on_failure, sorry_server.inhibit and lvs.drain.method: flag` })),
      ),
  },
  {
    id: 'weights-ignored',
    severity: 'warning',
    summary: 'weights differ under a scheduler that does not look at them',
    why: 'rr, lc and dh take a weight of 0 for "no more" and all others alike. Every other scheduler uses weights.',
    source: 'ipvsadm(8), -s; Linux, net/netfilter/ipvs/ip_vs_rr.c, ip_vs_lc.c and ip_vs_dh.c',
    bad: `${PAIR}${service('scheduler: §rr').replace('rs1: { weight: 1 }', 'rs1: { weight: 3 }')}`,
    good: `${PAIR}${service('scheduler: wrr').replace('rs1: { weight: 1 }', 'rs1: { weight: 3 }')}`,
    check: (context) =>
      services(context, (one) => ['rr', 'lc', 'dh'].includes(one.scheduler) && new Set(one.realServers.map(({ weight }) => weight).filter((weight) => weight > 0)).size > 1).map((one) => ({
        path: at(one, 'scheduler'),
        message: `${one.name} has different weights, which ${one.scheduler} ignores`,
        hint: `use ${{ rr: 'wrr', lc: 'wlc', dh: 'mh' }[one.scheduler as 'rr' | 'lc' | 'dh']}, or give all the same weight`,
      })),
  },
  {
    id: 'failover-order',
    severity: 'warning',
    summary: 'scheduler fo has servers of the same highest weight',
    why: 'fo sends everything to the server of the highest weight. Among equals it is the one that came into the table last: at first the last one of the file, and then whichever failed and came back.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_fo.c (strictly above) and ip_vs_ctl.c (a new one is put first in the list); measured on Linux 6.1',
    bad: `${PAIR}${service('scheduler: fo').replace('real_servers', '§real_servers')}`,
    good: `${PAIR}${service('scheduler: fo').replace('rs1: { weight: 1 }', 'rs1: { weight: 2 }')}`,
    check: (context) =>
      services(context, (one) => one.scheduler === 'fo' && new Set(one.realServers.map(({ weight }) => weight)).size < one.realServers.length).map((one) => ({
        path: at(one, 'real_servers'),
        of: 'key',
        message: `${one.name} does not say in which order its servers take over`,
        hint: 'give each its own weight, the highest to the one that serves first',
      })),
  },
  {
    id: 'overflow-at-one',
    severity: 'warning',
    summary: 'scheduler ovf spills over after two connections',
    why: 'Under ovf the server of the highest weight gets everything until it has more active connections than its weight; then the next one gets the rest. With weight 1 that is after two.',
    source: 'ipvsadm(8), -s ovf; Linux, net/netfilter/ipvs/ip_vs_ovf.c; measured on Linux 6.1',
    bad: `${PAIR}${service('scheduler: ovf').replaceAll('weight: 1', 'weight: §1')}`,
    good: `${PAIR}${service('scheduler: ovf').replace('rs1: { weight: 1 }', 'rs1: { weight: 500 }').replace('rs2: { weight: 1 }', 'rs2: { weight: 200 }')}`,
    check: (context) =>
      services(context, (one) => one.scheduler === 'ovf').flatMap((one) =>
        one.realServers.filter(({ weight }) => weight === 1).map((server) => ({ path: at(one, 'real_servers', server.host, 'weight'), message: `${server.host} of ${one.name} takes two connections before it overflows`, hint: 'write how many connections it can carry as its weight' })),
      ),
  },
  {
    id: 'drain-under-dh',
    severity: 'warning',
    summary: 'the scheduler dh never looks for another server',
    why: 'A server of weight 0 or over its threshold refuses what is hashed to it, and dh has no flag for a fallback: a server can only be removed, which gives its destinations to others at once.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_dh.c (ip_vs_dh_schedule)',
    bad: `${PAIR.replace('.38]', '.38, 192.168.0.39]')}${MARKED.replace('dh', '§dh')}`,
    good: `${PAIR}${service('scheduler: mh', 'scheduler_flags: [mh-fallback]')}`,
    check: (context) =>
      services(context, ({ scheduler }) => scheduler === 'dh').map((one) => ({ path: at(one, 'scheduler'), message: `a drained server of ${one.name} refuses the destinations that are hashed to it`, hint: 'use lblc, or waive this if servers are never drained' })),
  },
  {
    id: 'one-destination',
    severity: 'warning',
    summary: 'a scheduler by destination address has one destination only',
    why: 'dh, lblc and lblcr choose by the address a client wants to reach. For a service with one VIP that is always the same, so one server gets everything: dh always, the other two until it is overloaded. They are made for transparent caches.',
    source: 'ipvsadm(8), -s dh, lblc and lblcr; Linux, net/netfilter/ipvs/ip_vs_dh.c',
    bad: `${PAIR}${service('scheduler: §lblc')}`,
    good: `${PAIR.replace('.38]', '.38, 192.168.0.39]')}${MARKED.replace('dh', 'lblc')}`,
    check: (context) =>
      services(context, (one) => ['dh', 'lblc', 'lblcr'].includes(one.scheduler) && vipsOf(one).length === 1).map((one) => ({
        path: at(one, 'scheduler'),
        message: `${one.name} has one address, so ${one.scheduler} sends everything to one server${one.scheduler === 'dh' ? '' : ' until it is overloaded'}`,
        hint: 'use wlc, or sh or mh for clients that shall come back to the same server',
      })),
  },
  {
    id: 'active-only',
    severity: 'warning',
    summary: 'the scheduler counts active connections, which UDP has none of',
    why: 'sed, nq and ovf look at active connections only, and IPVS counts UDP as inactive: so every server seems idle and the first or heaviest one gets everything.',
    source: 'ipvsadm(8), -s ovf; Linux, net/netfilter/ipvs/ip_vs_sed.c, ip_vs_nq.c and ip_vs_ovf.c',
    bad: `${PAIR}${service('scheduler: §nq', 'protocol: udp', NO_CHECK)}`,
    good: `${PAIR}${service('scheduler: wlc', 'protocol: udp', NO_CHECK)}`,
    check: (context) =>
      services(context, (one) => ['sed', 'nq', 'ovf'].includes(one.scheduler) && endpointsOf(one).every(({ protocol }) => protocol === 'udp')).map((one) => ({
        path: at(one, 'scheduler'),
        message: `${one.scheduler} sees no load in ${one.name}, which is UDP: one server gets everything`,
        hint: 'use wlc or wrr, which count or ignore connections of every kind',
      })),
  },
]);

/** Both schedulers go on choosing a server of weight 0 then. */
function hashesWithoutFallback({ scheduler, schedulerFlags }: VirtualService): boolean {
  return (scheduler === 'sh' || scheduler === 'mh') && !schedulerFlags.includes(`${scheduler}-fallback`);
}

/** Its keepalived inhibits every server, to drain by flags. */
function flags({ topology }: LintContext, { manager }: VirtualService): boolean {
  return topology.drain.method === 'flag' && manager === 'keepalived';
}
