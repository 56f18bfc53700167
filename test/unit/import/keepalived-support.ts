import { mergeSources } from '../../../src/import/cluster/merge.ts';
import { readFirewall } from '../../../src/import/firewall/read.ts';
import { readSysctlFile } from '../../../src/import/host/commands.ts';
import { emptySetup } from '../../../src/import/host/setup.ts';
import { readKeepalivedLive } from '../../../src/import/keepalived-source.ts';
import type { Note } from '../../../src/import/types.ts';
import type { DrainMethod } from '../../../src/lvs/drain/method.ts';
import { firewallRules, iptablesRule } from '../../../src/lvs/host/firewall/rules.ts';
import { renderKeepalived } from '../../../src/lvs/keepalived/render.ts';
import { buildTopology } from '../../../src/lvs/model/build.ts';
import type { Topology } from '../../../src/lvs/model/topology.ts';

export const VERSION = { major: 2, minor: 2, patch: 7 };

/** What iptables-save (ip6tables-save) prints of a director's own rules. */
function savedRules(topology: Topology, host: string, family: 4 | 6): string {
  const { nat, mangle } = firewallRules(topology, host, family);
  const table = (name: string, hook: string, chain: string, rules: readonly string[]): string => (rules.length === 0 ? '' : `*${name}\n:${hook} ACCEPT [0:0]\n:${chain} - [0:0]\n-A ${hook} -m comment --comment lvs-play -j ${chain}\n${rules.join('\n')}\nCOMMIT\n`);
  return `${table('nat', 'POSTROUTING', 'LVS_PLAY_NAT', nat.map(iptablesRule))}${table('mangle', 'PREROUTING', 'LVS_PLAY_MARK', mangle.map(iptablesRule))}`;
}

/** What an import of all directors makes of a topology, with the names of its hosts known: their keepalived.conf, firewall rules, and the VIPs that single directors carry. */
export function reimported(topology: Topology, hosts: ReadonlyMap<string, string>, method?: DrainMethod): { readonly topology: Topology; readonly notes: readonly Note[] } {
  const sources = [...topology.directors.keys()].map((host) => {
    const setup = emptySetup(host, hosts.get(host));
    readSysctlFile('net.ipv4.ip_forward = 1', 'sysctl', setup);
    readFirewall(new Map([['iptables-save', savedRules(topology, host, 4)], ['ip6tables-save', savedRules(topology, host, 6)]]), host, setup);
    for (const { vip, vipInterface, directors } of topology.services.values()) {
      if (vipInterface !== undefined && directors.includes(host)) setup.addresses.push({ interface: vipInterface, address: vip, prefix: vip.includes(':') ? 128 : 32, position: { file: host, line: 0, column: 0 }, order: 0 });
    }
    return { setup, keepalived: readKeepalivedLive({ setup, files: new Map([['/etc/keepalived/keepalived.conf', renderKeepalived(topology, host, VERSION, method)]]) }) };
  });
  const draft = mergeSources(sources, hosts);
  return { topology: buildTopology({ value: draft.lvs, locate: () => undefined }, new Map(draft.hosts.map(({ name, address }) => [name, { host: name, address }]))), notes: draft.notes };
}

/** Without what a director has beside keepalived: services of scripts, and NAT networks. */
export function withKeepalivedOnly(topology: Topology): Topology {
  return { ...topology, natNetworks: new Map(), services: new Map([...topology.services].filter(([, { manager }]) => manager === 'keepalived')) };
}

/** Notes on what was not taken over as it is. */
export function lost(notes: readonly Note[]): readonly Note[] {
  return notes.filter(({ kind }) => kind !== 'understood' && kind !== 'changed');
}
