import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTable } from '../../../src/import/host/commands.ts';
import { emptySetup } from '../../../src/import/host/setup.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import { renderFirewallScript } from '../../../src/lvs/host/firewall/firewall.ts';
import { ipvsCommands } from '../../../src/lvs/ipvs/commands.ts';
import { compareTables, expectedTable } from '../../../src/lvs/ipvs/table.ts';
import { renderKeepalived } from '../../../src/lvs/keepalived/render.ts';
import { buildTopology } from '../../../src/lvs/model/build.ts';
import { buildSite } from '../../../src/plan/site.ts';
import { createTemplateEngine } from '../../../src/template/engine.ts';
import { lvsValue } from '../lvs/arbitrary.ts';
import { lost, reimported, VERSION } from './keepalived-support.ts';

const INVENTORIES = path.resolve(import.meta.dirname, '../../../inventories');

describe('keepalived.conf: rendered, imported and rendered again it is the same', () => {
  it.each(readdirSync(INVENTORIES))('inventory %s', async (name) => {
    const { inventory, topology } = buildSite(await loadInventory([path.join(INVENTORIES, name)]), {}, createTemplateEngine());
    if (topology === undefined) throw new Error('no topology');
    // Single directors of scripts have none.
    if ([...topology.services.values()].some(({ manager }) => manager === 'script')) return;
    const hosts = new Map([...inventory.hosts.values()].flatMap((host) => (typeof host.vars.get('ansible_host')?.value === 'string' ? [[host.name, host.vars.get('ansible_host')?.value as string] as const] : [])));
    const { topology: again, notes } = reimported(topology, hosts);
    expect(lost(notes)).toEqual([]);
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
