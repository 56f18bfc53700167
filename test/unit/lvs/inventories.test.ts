import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadInventory } from '../../../src/inventory/load.ts';
import { usesKeepalived } from '../../../src/lvs/host/director-script.ts';
import { renderKeepalived } from '../../../src/lvs/keepalived/render.ts';
import { buildSite } from '../../../src/plan/site.ts';
import { createTemplateEngine } from '../../../src/template/engine.ts';

const ROOT = path.resolve(import.meta.dirname, '../../../inventories');
const SHIPPED = readdirSync(ROOT);

async function siteOf(name: string) {
  return buildSite(await loadInventory([path.join(ROOT, name)]), {}, createTemplateEngine());
}

describe.each(SHIPPED)('inventory %s', (name) => {
  it('is a sound topology', async () => {
    const { topology } = await siteOf(name);
    expect(topology?.services.size).toBeGreaterThan(0);
    for (const director of topology?.directors.keys() ?? []) {
      if (topology !== undefined && !usesKeepalived(topology, director)) continue;
      expect(topology === undefined ? '' : renderKeepalived(topology, director, { major: 2, minor: 2, patch: 7 })).toContain('virtual_server');
    }
  });

  it('is read by ansible-inventory, with the same hosts', async () => {
    const text = execFileSync('ansible-inventory', ['-i', path.join(ROOT, name), '--list'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    const listed = JSON.parse(text) as { _meta: { hostvars: Record<string, unknown> } };
    const { inventory } = await siteOf(name);
    expect(Object.keys(listed._meta.hostvars).sort()).toEqual([...inventory.hosts.keys()].sort());
  });
});

it('the larger one has two pairs, three services and twelve real servers', async () => {
  const { topology } = await siteOf('large');
  expect([topology?.pairs.size, topology?.services.size, topology?.directors.size, topology?.realServers.size]).toEqual([2, 3, 4, 12]);
  expect(topology?.realServers.get('web08')?.address).toBe('192.168.10.108');
  expect(topology?.realServers.get('db4')?.address).toBe('192.168.20.104');
});
