import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { mergeSources } from '../../../src/import/cluster/merge.ts';
import { readFirewall } from '../../../src/import/firewall/read.ts';
import { readSysctlFile, readTable } from '../../../src/import/host/commands.ts';
import { emptySetup } from '../../../src/import/host/setup.ts';
import { readKeepalivedLive } from '../../../src/import/keepalived-source.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import { firewallRules, iptablesRule } from '../../../src/lvs/host/firewall-rules.ts';
import { renderFirewallScript } from '../../../src/lvs/host/firewall.ts';
import { ipvsCommands } from '../../../src/lvs/ipvs/commands.ts';
import { compareTables, expectedTable } from '../../../src/lvs/ipvs/table.ts';
import { renderKeepalived } from '../../../src/lvs/keepalived/render.ts';
import { buildTopology } from '../../../src/lvs/model/build.ts';
import type { Topology } from '../../../src/lvs/model/topology.ts';
import { buildSite } from '../../../src/plan/site.ts';
import { createTemplateEngine } from '../../../src/template/engine.ts';
import { lvsValue } from '../lvs/arbitrary.ts';

const VERSION = { major: 2, minor: 2, patch: 7 };
const INVENTORIES = path.resolve(import.meta.dirname, '../../../inventories');

/** What iptables-save prints of a director's own rules. */
function savedRules(topology: Topology, host: string): string {
  const { nat, mangle } = firewallRules(topology, host, 4);
  const table = (name: string, hook: string, chain: string, rules: readonly string[]): string => (rules.length === 0 ? '' : `*${name}\n:${hook} ACCEPT [0:0]\n:${chain} - [0:0]\n-A ${hook} -m comment --comment lvs-play -j ${chain}\n${rules.join('\n')}\nCOMMIT\n`);
  return `${table('nat', 'POSTROUTING', 'LVS_PLAY_NAT', nat.map(iptablesRule))}${table('mangle', 'PREROUTING', 'LVS_PLAY_MARK', mangle.map(iptablesRule))}`;
}

/** What an import of all directors' keepalived.conf makes of a topology, with the names of its hosts known. */
function reimported(topology: Topology, hosts: ReadonlyMap<string, string>): Topology {
  const sources = [...topology.directors.keys()].map((host) => {
    const setup = emptySetup(host, hosts.get(host));
    readSysctlFile('net.ipv4.ip_forward = 1', 'sysctl', setup);
    readFirewall(new Map([['iptables-save', savedRules(topology, host)]]), host, setup);
    return { setup, keepalived: readKeepalivedLive({ setup, files: new Map([['/etc/keepalived/keepalived.conf', renderKeepalived(topology, host, VERSION)]]) }) };
  });
  const draft = mergeSources(sources, hosts);
  expect(draft.notes.filter(({ kind }) => kind !== 'understood' && kind !== 'changed')).toEqual([]);
  return buildTopology({ value: draft.lvs, locate: () => undefined }, new Map([...hosts].map(([host, address]) => [host, { host, address }])));
}

describe('keepalived.conf: rendered, imported and rendered again it is the same', () => {
  it.each(readdirSync(INVENTORIES))('inventory %s', async (name) => {
    const { inventory, topology } = buildSite(await loadInventory([path.join(INVENTORIES, name)]), {}, createTemplateEngine());
    if (topology === undefined) throw new Error('no topology');
    // Single directors of scripts have none.
    if ([...topology.services.values()].some(({ manager }) => manager === 'script')) return;
    const hosts = new Map([...inventory.hosts.values()].flatMap((host) => (typeof host.vars.get('ansible_host')?.value === 'string' ? [[host.name, host.vars.get('ansible_host')?.value as string] as const] : [])));
    const again = reimported(topology, hosts);
    for (const host of topology.directors.keys()) {
      expect(renderKeepalived(again, host, VERSION)).toBe(renderKeepalived(topology, host, VERSION));
      expect(renderFirewallScript(again, host)).toBe(renderFirewallScript(topology, host));
    }
  });
});

describe('ipvsadm -Sn: what a kernel holds is what comes back', () => {
  it('for every table of a sound cluster', () => {
    fc.assert(
      fc.property(lvsValue(), ({ lvs, hosts }) => {
        const topology = buildTopology({ value: lvs, locate: () => undefined }, hosts);
        for (const director of topology.directors.keys()) {
          const table = expectedTable(topology, director);
          const text = ipvsCommands(table, { services: [] }, new Set()).map(({ argv }) => `${argv.join(' ')}\n`).join('');
          const setup = emptySetup(director, undefined);
          readTable(text, 'table', setup);
          expect(setup.notes.filter(({ kind }) => kind !== 'understood')).toEqual([]);
          expect(compareTables(table, { services: setup.services })).toEqual([]);
          expect(compareTables({ services: setup.services }, table)).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });
});
