import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import { buildTopology } from '../../../src/lvs/model/build.ts';
import type { Topology } from '../../../src/lvs/model/topology.ts';
import { buildSite } from '../../../src/plan/site.ts';
import { editInventory } from '../../../src/rehearse/inventory/edit.ts';
import { sampleGiven, sampleOf } from '../../../src/rehearse/sample/sample.ts';
import { sampleWords, type Sample } from '../../../src/rehearse/sample/types.ts';
import { unitsOf } from '../../../src/rehearse/sample/units.ts';
import { createTemplateEngine } from '../../../src/template/engine.ts';
import { parseYaml, subLocated } from '../../../src/yaml/load.ts';
import { lvsValue } from '../lvs/arbitrary.ts';

const LARGE = path.resolve(import.meta.dirname, '../../../inventories/large');

async function large(): Promise<{ topology: Topology; hosts: string[] }> {
  const { topology, inventory } = buildSite(await loadInventory([LARGE]), {}, createTemplateEngine());
  if (topology === undefined) throw new Error('no topology');
  return { topology, hosts: [...inventory.hosts.keys()] };
}

const serversIn = (sample: Sample) => Object.fromEntries(sample.services.map(({ name, servers }) => [name, servers.join(' ')]));

describe('a sample of the larger example', () => {
  it('consists of parts that share no director', async () => {
    const { topology } = await large();
    expect(unitsOf(topology)).toEqual([
      { directors: ['edge1', 'edge2'], pairs: ['edge'], services: ['web', 'shop'] },
      { directors: ['inner1', 'inner2'], pairs: ['inner'], services: ['db'] },
    ]);
  });

  it.each([
    [100, { web: 'web01 web02 web03 web04 web05 web06 web07 web08', shop: 'web01 web02 web03 web04', db: 'db1 db2 db3 db4' }],
    // Room for one more: a server of the weight that is not there yet.
    [9, { web: 'web01 web02 web05', shop: 'web01 web02', db: 'db1 db2' }],
    [8, { web: 'web01 web02', shop: 'web01 web02', db: 'db1 db2' }],
    [6, { web: 'web01 web02 web03 web05', shop: 'web01 web02 web03' }],
    [4, { web: 'web01 web02', shop: 'web01 web02' }],
  ])('with %i nodes', async (most, expected) => {
    const { topology, hosts } = await large();
    const sample = sampleOf(topology, hosts, most);
    expect(serversIn(sample)).toEqual(expected);
    expect(sample.hosts.length).toBeLessThanOrEqual(most);
  });

  it('is refused when nothing fits, with what the least would be', async () => {
    const { topology, hosts } = await large();
    expect(() => sampleOf(topology, hosts, 3)).toThrow('3 nodes are too few: the least that can be rehearsed is service web on edge1, edge2, web01, web02');
  });

  it('says who is missing and what it means', async () => {
    const { topology, hosts } = await large();
    expect(sampleWords(sampleOf(topology, hosts, 100))).toEqual([]);
    expect(sampleWords(sampleOf(topology, hosts, 4))).toEqual([
      'left out: inner1, inner2 (director of what is not rehearsed)',
      'left out: web03, web04, web05, web06, web07, web08 (others of its services stand for it)',
      'left out: db1, db2, db3, db4 (serves nothing that is rehearsed)',
      'left out with its directors: HA pair inner',
      'not rehearsed: service db',
      'web: 2 of 8 real servers (web01, web02), weight 6 of 16: each gets a larger share than it will have',
      'shop: 2 of 4 real servers (web01, web02), weight 2 of 4: each gets a larger share than it will have',
    ]);
  });

  it.each([
    [['edge1', 'web01', 'web02'], 'edge1 without edge2 is no whole pair of directors'],
    [['edge1', 'edge2', 'web05'], 'service web needs more real servers than web05 to lose one'],
    [['edge1', 'edge2', 'web01', 'db1'], 'service web needs more real servers than web01 to lose one'],
    [['web01', 'web02'], 'web01, web02 carry no service'],
  ])('%s is no cluster', async (wanted, message) => {
    const { topology, hosts } = await large();
    expect(() => sampleGiven(topology, hosts, wanted)).toThrow(message);
  });

  it('by name: services without a server there are left out', async () => {
    const { topology, hosts } = await large();
    const sample = sampleGiven(topology, hosts, ['edge1', 'edge2', 'web05', 'web06']);
    expect(serversIn(sample)).toEqual({ web: 'web05 web06' });
    expect(sample.left.services).toEqual(['shop', 'db']);
  });

  it('keeps as many real servers as the quorum needs when one is lost', () => {
    const text = `ha_pairs: { p: { members: { a: { priority: 100 }, b: { priority: 90 } }, interface: eth0, virtual_router_id: 1, vips: [10.0.0.9] } }
virtual_services: { w: { "on": p, address: "10.0.0.9:80", mode: dr, scheduler: rr, quorum: 2, real_servers: { r1: , r2: , r3: , r4: } } }
`;
    const names = ['a', 'b', 'r1', 'r2', 'r3', 'r4'];
    const topology = buildTopology(parseYaml(text, 'x.yml'), new Map(names.map((host, i) => [host, { host, address: `10.0.0.${String(i + 1)}` }])));
    expect(() => sampleOf(topology, names, 4)).toThrow('4 nodes are too few');
    expect(sampleOf(topology, names, 5).hosts).toEqual(['a', 'b', 'r1', 'r2', 'r3']);
  });
});

describe('any cluster', () => {
  it('sampled is a cluster still, the one that was announced, and always the same', () => {
    fc.assert(
      fc.property(lvsValue(), fc.integer({ min: 1, max: 9 }), ({ lvs, hosts }, most) => {
        const names = [...hosts.keys()];
        const topology = buildTopology(parseYaml(JSON.stringify(lvs), 'lvs.yml'), hosts);
        let sample: Sample;
        try {
          sample = sampleOf(topology, names, most);
        } catch (error) {
          expect((error as { code: string }).code).toBe('sample-too-small');
          return;
        }
        expect(sample.hosts.length).toBeLessThanOrEqual(most);
        expect(sampleOf(topology, names, most)).toEqual(sample);
        const inventory: Json = { all: { hosts: Object.fromEntries(names.map((name) => [name, null])), vars: { lvs } } };
        const keep = { hosts: new Set(sample.hosts), services: new Set(sample.services.map(({ name }) => name)), pairs: new Set(sample.pairs) };
        const text = editInventory(JSON.stringify(inventory), 'hosts', { keep });
        const all = parseYaml(text, 'hosts.yml');
        expect(Object.keys(subLocated(all, ['all', 'hosts']).value ?? {})).toEqual(sample.hosts);
        const small = buildTopology(subLocated(all, ['all', 'vars', 'lvs']), new Map([...hosts].filter(([name]) => keep.hosts.has(name))));
        expect([...small.services.values()].map(({ name, realServers }) => [name, realServers.map(({ host }) => host)])).toEqual(sample.services.map(({ name, servers }) => [name, [...servers]]));
        expect([...small.pairs.keys()]).toEqual([...sample.pairs]);
      }),
      { numRuns: 60 },
    );
  });
});
