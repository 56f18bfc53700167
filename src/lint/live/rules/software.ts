import { drainMethod, noMethodWords } from '../../../lvs/drain/method.ts';
import { portReuseFault, reusesUnderPersistence } from '../../../lvs/host/director.ts';
import { servicesOf } from '../../../lvs/model/lookups.ts';
import { realServerKernelModules } from '../../../lvs/host/real-server.ts';
import { refusals } from '../../../lvs/keepalived/features.ts';
import { usedBy } from '../../../lvs/keepalived/render/used.ts';
import type { Topology } from '../../../lvs/model/topology.ts';
import type { Hit } from '../../types.ts';
import { atDirector, directors } from '../places.ts';
import { defineLiveRules } from '../rule.ts';
import type { LiveContext, LiveState } from '../state.ts';

/** Rules about keepalived and the kernel. */
export const softwareRules = defineLiveRules([
  {
    id: 'kernel-module-missing',
    severity: 'error',
    summary: 'a kernel module that is needed is not there',
    why: 'It is neither loaded nor built in, and the running kernel has no file of it: slim kernels of clouds leave IPVS and its schedulers out, and after an upgrade the modules of the running kernel may be gone until the next boot.',
    source: 'modules.dep(5), modprobe(8)',
    cluster: 'dr',
    bad: 'lvs1 modules: loaded ip_vs',
    good: 'lvs1 modules: loaded ip_vs\nlvs1 modules: /lib/modules/6.1.0/modules.dep:kernel/net/netfilter/ipvs/ip_vs_wlc.ko',
    check: ({ topology, hosts }) =>
      hosts.each(({ host, modules }) =>
        [...modules].filter(([, state]) => state === 'missing').map(([name]) => ({ ...placeOf(topology, host, name), message: `${host} has no kernel module ${name}`, hint: 'install the modules of its running kernel (linux-modules-extra-..., kernel-modules), or boot another kernel' })),
      ).flat(),
  },
  {
    id: 'keepalived-lacks',
    severity: 'error',
    summary: 'a director\'s keepalived is too old for the topology',
    why: 'A plan refuses it for the same reason: an unknown keyword is ignored by keepalived, and the service runs without what it stands for.',
    source: 'keepalived\'s ChangeLog and release notes, feature by feature in src/lvs/keepalived/features.ts',
    cluster: 'dr',
    bad: 'lvs1 keepalived: Keepalived v1.2.13 (05/28,2014)',
    good: 'lvs1 keepalived: Keepalived v2.2.7 (01/16,2022)',
    check: (context) =>
      versions(context).flatMap(({ host, keepalived }): Hit[] => {
        const place = atDirector(context.topology, host);
        if ('untold' in keepalived) return [{ ...place, unjudged: true, message: `which keepalived ${host} has cannot be told: ${keepalived.untold}`, hint: 'a deploy installs the distribution\'s; its plan refuses what that version lacks' }];
        return refusals(context.topology, host, usedBy(context.topology, host), keepalived.value).map(({ message, hint, position }) => ({ ...(placeAt(context.topology, position) ?? place), message, hint: hint ?? 'upgrade keepalived there' }));
      }),
  },
  {
    id: 'keepalived-drains-badly',
    severity: 'warning',
    summary: 'this version of keepalived cannot drain a real server',
    why: 'Weight 0 and a reload is how a server is drained. 2.0.0 to 2.0.15 refuse 0, 2.1.x sets 1 instead, 2.2.0 and 2.2.1 miss the change: it keeps getting connections, and they are cut when it goes down. From 2.1.0 on a flag file does it, unless lvs.drain.method forbids it; before, nothing.',
    source: 'issues and pull requests of github.com/acassen/keepalived',
    cluster: 'dr',
    bad: 'lvs1 keepalived: Keepalived v2.0.10 (11/12,2018)',
    good: 'lvs1 keepalived: Keepalived v2.2.7 (01/16,2022)',
    check: (context) =>
      versions(context).flatMap(({ host, keepalived }): Hit[] => {
        if ('untold' in keepalived || usedBy(context.topology, host).services.length === 0 || drainMethod(context.topology.drain, keepalived.value) !== undefined) return [];
        const { why, cure } = noMethodWords(context.topology.drain, keepalived.value);
        return [{ ...atDirector(context.topology, host), message: `no real server can be drained on ${host}: ${why}`, hint: cure }];
      }),
  },
  {
    id: 'drain-loses-requests',
    severity: 'error',
    summary: 'a drained real server would still get connections of clients that reuse a port',
    why: 'In DR and TUN the director sees only the client\'s half, so a closed connection stays in its table for two minutes. A client that reuses the source port is sent to the old server, weight 0 or not: 536 of 45,000 requests were lost in a measurement. With persistence conn_reuse_mode does not help, in any mode.',
    source: 'Linux, Documentation/networking/ipvs-sysctl.rst, conn_reuse_mode, and is_new_conn_expected in ip_vs_core.c; measured on Linux 6.1',
    cluster: 'dr',
    bad: 'lvs1 values: /proc/sys/net/ipv4/vs/conn_reuse_mode:1',
    good: 'lvs1 values: /proc/sys/net/ipv4/vs/conn_reuse_mode:1\nlvs1 values: /proc/sys/net/ipv4/vs/expire_nodest_conn:1',
    check: (context) =>
      directors(context).flatMap(({ host, sysctls }): Hit[] => {
        const own = servicesOf(context.topology, host).filter((one) => one.mode !== 'nat' || reusesUnderPersistence(one));
        if (own.length === 0) return [];
        const [reuse, expire] = ['conn_reuse_mode', 'expire_nodest_conn'].map((name) => sysctls.get(`net/ipv4/vs/${name}`));
        const place = atDirector(context.topology, host);
        if (reuse === undefined) return [{ ...place, unjudged: true, message: `how ${host} treats reused ports cannot be told: IPVS is not loaded there`, hint: 'a deploy loads it and sets conn_reuse_mode' }];
        const fault = portReuseFault(own, { connReuseMode: Number(reuse), expireNodestConn: Number(expire ?? 0) });
        return fault === undefined ? [] : [{ ...place, message: `${host} has conn_reuse_mode ${reuse} and expire_nodest_conn ${expire ?? '0'}: what is drained of ${fault.service} still gets connections`, hint: `set net.ipv4.vs.${fault.cure} there; a deploy does, and something else takes it back` }];
      }),
  },
]);

function versions(context: LiveContext): readonly (LiveState & { readonly keepalived: NonNullable<LiveState['keepalived']> })[] {
  return directors(context).flatMap((state) => (state.keepalived === undefined ? [] : [{ ...state, keepalived: state.keepalived }]));
}

/** A service or pair by its own position. */
function placeAt({ services, pairs }: Topology, position: { readonly file: string } | undefined): Pick<Hit, 'path' | 'of'> | undefined {
  if (position === undefined) return undefined;
  const service = [...services.values()].find((one) => one.position === position);
  if (service !== undefined) return { path: ['virtual_services', service.name], of: 'key' };
  const pair = [...pairs.values()].find((one) => one.position === position);
  return pair === undefined ? undefined : { path: ['ha_pairs', pair.name], of: 'key' };
}

function placeOf(topology: Topology, host: string, name: string): Pick<Hit, 'path' | 'of'> {
  const scheduled = [...topology.services.values()].find((one) => one.directors.includes(host) && `ip_vs_${one.scheduler}` === name);
  if (scheduled !== undefined) return { path: ['virtual_services', scheduled.name, 'scheduler'] };
  const tunnelled = realServerKernelModules(topology, host).includes(name) ? [...topology.services.values()].find((one) => one.mode === 'tun' && one.realServers.some((server) => server.host === host)) : undefined;
  return tunnelled === undefined ? atDirector(topology, host) : { path: ['virtual_services', tunnelled.name, 'real_servers', host], of: 'key' };
}
