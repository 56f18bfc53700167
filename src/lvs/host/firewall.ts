import { hostPrefix } from '../model/ip.ts';
import { natNetworksOf, servicesOf } from '../model/lookups.ts';
import type { MarkedEndpoint, Topology } from '../model/topology.ts';
import { FIREWALL_LISTING, FIREWALL_SCRIPT_BODY } from './firewall-script.ts';
import { renderBootUnit, scriptHead, scriptList } from './boot-script.ts';

/** The script that holds a director's firewall rules, and the unit that runs it at boot. */
export const FIREWALL_SCRIPT = '/usr/local/sbin/lvs-firewall';
export const FIREWALL_UNIT = 'lvs-firewall.service';

/**
 * After whatever loads the distribution's own rules, and before keepalived fills the table: a service of a mark must find its packets marked.
 * When one of those is restarted it may flush everything, so ours is run again with it.
 */
const OTHERS = ['nftables', 'iptables', 'ip6tables', 'netfilter-persistent', 'firewalld', 'ufw'].map((name) => `${name}.service`).join(' ');
export const FIREWALL_UNIT_TEXT = renderBootUnit('Firewall rules of an LVS director: marks and masquerading', FIREWALL_SCRIPT, [
  `After=network-pre.target systemd-modules-load.service ${OTHERS}`,
  'Before=keepalived.service lvs-director.service',
  `ReloadPropagatedFrom=${OTHERS}`,
]);

/** The rules of one address family, each a line of iptables-save below our own chains. */
export interface FirewallRules {
  /** Of the chain LVS_PLAY_NAT in the table nat, called from POSTROUTING. */
  readonly nat: readonly string[];
  /** Of the chain LVS_PLAY_MARK in the table mangle, called from PREROUTING. */
  readonly mangle: readonly string[];
}

/**
 * What a director needs of the firewall. Replies of real servers need no masquerading, as IPVS turns them back itself; this is for what
 * real servers begin. Not masqueraded: traffic between NAT networks, and what the director itself sends (its adverts to 224.0.0.18 have a
 * source in the network too). Text is as iptables-save prints it, so that it can be compared.
 */
export function firewallRules(topology: Topology, host: string, family: 4 | 6): FirewallRules {
  const isOurs = (address: string): boolean => address.includes(':') === (family === 6);
  const networks = natNetworksOf(topology, host).filter(({ network }) => isOurs(network));
  const masqueraded = networks.filter(({ masquerade }) => masquerade);
  const nat =
    masqueraded.length === 0
      ? []
      : [
          ...networks.map(({ network }) => `-A LVS_PLAY_NAT -d ${network} -j RETURN`),
          '-A LVS_PLAY_NAT -m addrtype --src-type LOCAL -j RETURN',
          ...masqueraded.map(({ network }) => `-A LVS_PLAY_NAT -s ${network} -j MASQUERADE`),
        ];
  const mangle = servicesOf(topology, host).flatMap(({ match }) => {
    if (match.kind !== 'fwmark' || match.family !== family) return [];
    return match.endpoints.map((endpoint) => markRule(endpoint, match.mark));
  });
  return { nat, mangle };
}

function markRule({ protocol, address, port }: MarkedEndpoint, mark: number): string {
  const ports = port === 0 ? '' : ` -m ${protocol} --dport ${String(port)}`;
  return `-A LVS_PLAY_MARK -d ${hostPrefix(address)} -p ${protocol}${ports} -j MARK --set-xmark 0x${mark.toString(16)}/0xffffffff`;
}

/** The same rules as the body of a table of nftables; '' for none. A chain must not be called `mark`, which is a keyword there. */
export function nftRules(topology: Topology, host: string, family: 4 | 6): string {
  const { nat, mangle } = firewallRules(topology, host, family);
  const ip = family === 4 ? 'ip' : 'ip6';
  const masquerading = nat.map((rule) => {
    const [, network = ''] = / -[sd] (\S+)/.exec(rule) ?? [];
    if (rule.includes('addrtype')) return 'fib saddr type local return';
    return rule.includes(' -d ') ? `${ip} daddr ${network} return` : `${ip} saddr ${network} masquerade`;
  });
  const marks = mangle.map((rule) => {
    const [, address = '', protocol = ''] = / -d (\S+)\/\d+ -p (\S+)/.exec(rule) ?? [];
    const port = / --dport (\d+)/.exec(rule)?.[1];
    const mark = / --set-xmark (0x[0-9a-f]+)\//.exec(rule)?.[1] ?? '';
    return `${ip} daddr ${address} ${port === undefined ? `meta l4proto ${protocol}` : `${protocol} dport ${port}`} meta mark set ${mark}`;
  });
  return [
    ...(masquerading.length === 0 ? [] : ['chain masquerading {', 'type nat hook postrouting priority 100; policy accept;', ...masquerading, '}']),
    ...(marks.length === 0 ? [] : ['chain marks {', 'type filter hook prerouting priority -150; policy accept;', ...marks, '}']),
  ].join('\n');
}

/** Everything a director's script holds, as it stands in it and in the record of what was loaded. */
function firewallData(topology: Topology, host: string): string {
  return ([4, 6] as const)
    .flatMap((family) => {
      const { nat, mangle } = firewallRules(topology, host, family);
      const name = String(family);
      return [`nat${name}=${scriptList(nat)}`, `mangle${name}=${scriptList(mangle)}`, `nft${name}=${scriptList(nftRules(topology, host, family).split('\n').filter((line) => line !== ''))}`];
    })
    .join('\n');
}

/** Whether a director needs any rule. */
export function usesFirewall(topology: Topology, host: string): boolean {
  return ([4, 6] as const).some((family) => {
    const { nat, mangle } = firewallRules(topology, host, family);
    return nat.length + mangle.length > 0;
  });
}

/** The script `start|stop|status|reload`; undefined for a director that needs no rule. */
export function renderFirewallScript(topology: Topology, host: string): string | undefined {
  if (!usesFirewall(topology, host)) return undefined;
  return [
    ...scriptHead('Firewall rules of an LVS director: marks of virtual services, and masquerading for real servers.'),
    '',
    firewallData(topology, host),
    '',
    FIREWALL_LISTING,
    '',
    FIREWALL_SCRIPT_BODY,
  ].join('\n');
}
