import { hostPrefix } from '../../model/ip.ts';
import { natNetworksOf, servicesOf } from '../../model/lookups.ts';
import type { MarkedEndpoint, Topology } from '../../model/topology.ts';

/** One rule that a director needs. Networks are of the form address/prefix. */
export type FirewallRule =
  /** Traffic to a NAT network keeps its source address. */
  | { readonly kind: 'keep-to'; readonly network: string }
  /** So does what the director itself sends. */
  | { readonly kind: 'keep-local' }
  | { readonly kind: 'masquerade'; readonly network: string }
  | { readonly kind: 'mark'; readonly endpoint: MarkedEndpoint; readonly mark: number };

/** The rules of one address family. */
export interface FirewallRules {
  /** After routing, in this order. */
  readonly nat: readonly FirewallRule[];
  /** Before routing. */
  readonly mangle: readonly FirewallRule[];
}

/**
 * What a director needs of the firewall. Replies of real servers need no masquerading, as IPVS turns them back itself; this is for what
 * real servers begin. Not masqueraded: traffic between NAT networks, and what the director itself sends (its adverts to 224.0.0.18 have a
 * source in the network too).
 */
export function firewallRules(topology: Topology, host: string, family: 4 | 6): FirewallRules {
  const networks = natNetworksOf(topology, host).filter(({ network }) => network.includes(':') === (family === 6));
  const masqueraded = networks.filter(({ masquerade }) => masquerade);
  return {
    nat:
      masqueraded.length === 0
        ? []
        : [
            ...networks.map(({ network }): FirewallRule => ({ kind: 'keep-to', network })),
            { kind: 'keep-local' },
            ...masqueraded.map(({ network }): FirewallRule => ({ kind: 'masquerade', network })),
          ],
    mangle: servicesOf(topology, host).flatMap(({ match }) =>
      match.kind === 'fwmark' && match.family === family ? match.endpoints.map((endpoint): FirewallRule => ({ kind: 'mark', endpoint, mark: match.mark })) : [],
    ),
  };
}

/** A rule as iptables-save prints it below our own chains LVS_PLAY_NAT (called from POSTROUTING of nat) and LVS_PLAY_MARK (PREROUTING of mangle). */
export function iptablesRule(rule: FirewallRule): string {
  switch (rule.kind) {
    case 'keep-to':
      return `-A LVS_PLAY_NAT -d ${rule.network} -j RETURN`;
    case 'keep-local':
      return '-A LVS_PLAY_NAT -m addrtype --src-type LOCAL -j RETURN';
    case 'masquerade':
      return `-A LVS_PLAY_NAT -s ${rule.network} -j MASQUERADE`;
    case 'mark': {
      const { protocol, address, port } = rule.endpoint;
      const ports = port === 0 ? '' : ` -m ${protocol} --dport ${String(port)}`;
      return `-A LVS_PLAY_MARK -d ${hostPrefix(address)} -p ${protocol}${ports} -j MARK --set-xmark ${hex(rule.mark)}/0xffffffff`;
    }
  }
}

/** The body of a table of nftables, a line each; none for no rules. A chain must not be called `mark`, which is a keyword there. */
export function nftTable({ nat, mangle }: FirewallRules, family: 4 | 6): readonly string[] {
  const chain = (head: string, hook: string, rules: readonly FirewallRule[]): string[] => (rules.length === 0 ? [] : [`chain ${head} {`, hook, ...rules.map((rule) => nftRule(rule, family)), '}']);
  return [
    ...chain('masquerading', 'type nat hook postrouting priority 100; policy accept;', nat),
    ...chain('marks', 'type filter hook prerouting priority -150; policy accept;', mangle),
  ];
}

function nftRule(rule: FirewallRule, family: 4 | 6): string {
  const ip = family === 4 ? 'ip' : 'ip6';
  switch (rule.kind) {
    case 'keep-to':
      return `${ip} daddr ${rule.network} return`;
    case 'keep-local':
      return 'fib saddr type local return';
    case 'masquerade':
      return `${ip} saddr ${rule.network} masquerade`;
    case 'mark': {
      const { protocol, address, port } = rule.endpoint;
      return `${ip} daddr ${address} ${port === 0 ? `meta l4proto ${protocol}` : `${protocol} dport ${String(port)}`} meta mark set ${hex(rule.mark)}`;
    }
  }
}

function hex(mark: number): string {
  return `0x${mark.toString(16)}`;
}
