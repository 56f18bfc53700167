import type { Topology } from '../../model/topology.ts';
import { renderBootUnit, scriptHead, scriptList } from '../boot-script.ts';
import { firewallRules, iptablesRule, nftTable } from './rules.ts';
import { FIREWALL_LISTING, FIREWALL_SCRIPT_BODY } from './script.ts';

/** The script that holds a director's firewall rules, and the unit that runs it at boot. */
export const FIREWALL_SCRIPT = '/usr/local/sbin/lvs-firewall';
export const FIREWALL_UNIT = 'lvs-firewall.service';

/** Those that flush everything when they are stopped, or when they load their own. */
const FLUSHING = ['nftables', 'iptables', 'ip6tables', 'netfilter-persistent'].map((name) => `${name}.service`).join(' ');
const OTHERS = `${FLUSHING} firewalld.service ufw.service`;

/**
 * After whatever loads the distribution's own rules, and before keepalived fills the table: a service of a mark must find its packets
 * marked. When one of those is reloaded, or restarted where that flushes, ours is run again after it.
 */
export const FIREWALL_UNIT_TEXT = renderBootUnit('Firewall rules of an LVS director: marks and masquerading', FIREWALL_SCRIPT, [
  `After=network-pre.target systemd-modules-load.service ${OTHERS}`,
  'Before=keepalived.service lvs-director.service',
  `ReloadPropagatedFrom=${OTHERS}`,
  `PartOf=${FLUSHING}`,
]);

/** What a director's script holds, by the names of its variables: text as iptables-save prints it, and as nft takes it. */
function firewallLists(topology: Topology, host: string): readonly { readonly name: string; readonly lines: readonly string[] }[] {
  return ([4, 6] as const).flatMap((family) => {
    const rules = firewallRules(topology, host, family);
    const name = String(family);
    return [
      { name: `nat${name}`, lines: rules.nat.map(iptablesRule) },
      { name: `mangle${name}`, lines: rules.mangle.map(iptablesRule) },
      { name: `nft${name}`, lines: nftTable(rules, family) },
    ];
  });
}

/** The rules in the words of the script's own record of what it has loaded: its lists one after the other, with an empty line between. */
export function firewallRecord(topology: Topology, host: string): string {
  return firewallLists(topology, host).map(({ lines }) => (lines.length === 0 ? '' : `\n${lines.join('\n')}\n`)).join('').trim();
}

/** Whether a director needs any rule. */
export function usesFirewall(topology: Topology, host: string): boolean {
  return firewallLists(topology, host).some(({ lines }) => lines.length > 0);
}

/** The script `start|stop|status|reload`; undefined for a director that needs no rule. */
export function renderFirewallScript(topology: Topology, host: string): string | undefined {
  if (!usesFirewall(topology, host)) return undefined;
  return [
    ...scriptHead('Firewall rules of an LVS director: marks of virtual services, and masquerading for real servers.'),
    '',
    ...firewallLists(topology, host).map(({ name, lines }) => `${name}=${scriptList(lines)}`),
    '',
    FIREWALL_LISTING,
    '',
    FIREWALL_SCRIPT_BODY,
  ].join('\n');
}
