import { readdirSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadInventory } from '../../../../src/inventory/load.ts';
import { renderKeepalived } from '../../../../src/lvs/keepalived/render.ts';
import { buildTopology } from '../../../../src/lvs/model/build.ts';
import { buildSite } from '../../../../src/plan/site.ts';
import { createTemplateEngine } from '../../../../src/template/engine.ts';
import { lvsValue } from '../arbitrary.ts';
import { changed, EXAMPLE, topologyOf } from '../support.ts';
import { keepalivedTest } from './real.ts';

const V2_2_7 = { major: 2, minor: 2, patch: 7 };
const INVENTORIES = path.resolve(import.meta.dirname, '../../../../inventories');

/** Texts that it refuses, with what it says of them. */
function refused(texts: readonly string[]): string[] {
  return keepalivedTest(texts).flatMap(({ code, messages }, index) => (code === 0 && messages === '' ? [] : [`${String(code)}: ${messages}\n${texts[index] ?? ''}`]));
}

it('the real keepalived takes every generated topology without a word', () => {
  const clusters = fc.sample(lvsValue(), { numRuns: 120, seed: 1 });
  const texts = clusters.flatMap(({ lvs, hosts }) => {
    const topology = buildTopology({ value: lvs, locate: () => undefined }, hosts);
    return [...topology.directors.keys()].map((director) => renderKeepalived(topology, director, V2_2_7));
  });
  expect(texts.length).toBeGreaterThan(300);
  expect(refused(texts)).toEqual([]);
});

it('the real keepalived takes them with drain flags, whose files and folder are not there', () => {
  const clusters = fc.sample(lvsValue(), { numRuns: 40, seed: 2 });
  const texts = clusters.flatMap(({ lvs, hosts }) => {
    const topology = buildTopology({ value: lvs, locate: () => undefined }, hosts);
    return [...topology.directors.keys()].map((director) => renderKeepalived(topology, director, V2_2_7, 'flag'));
  });
  expect(texts.filter((text) => text.includes('FILE_CHECK')).length).toBeGreaterThan(30);
  expect(refused(texts)).toEqual([]);
});

it('the real keepalived takes every director of the shipped inventories', async () => {
  const texts: string[] = [];
  for (const name of readdirSync(INVENTORIES)) {
    const { topology } = buildSite(await loadInventory([path.join(INVENTORIES, name)]), {}, createTemplateEngine());
    for (const director of topology?.directors.keys() ?? []) if (topology !== undefined) texts.push(renderKeepalived(topology, director, V2_2_7));
  }
  expect(texts.length).toBeGreaterThan(5);
  expect(refused(texts)).toEqual([]);
});

it('would be noticed to have a mistake', () => {
  const good = renderKeepalived(topologyOf(EXAMPLE), 'lvs1', V2_2_7);
  const script = renderKeepalived(topologyOf(changed(EXAMPLE, '    virtual_router_id: 51\n', '    virtual_router_id: 51\n    notify: { any: /usr/bin/true }\n')), 'lvs1', V2_2_7);
  const mistakes = [
    changed(good, 'retry 3', 'nb_get_retry 3'),
    changed(good, 'dev eth0', 'dev nowhere'),
    changed(good, 'weight 1', 'weight -1'),
    changed(good, 'lb_kind DR', 'persistence_timeout 0'),
    changed(script, '    enable_script_security\n', ''),
    changed(script, '    script_user root\n', ''),
  ];
  const codes = keepalivedTest([...mistakes, good, script]).map(({ code }) => code);
  expect(codes.map((code) => code === 0)).toEqual([...mistakes.map(() => false), true, true]);
});
