import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importKeepalived } from '../../../src/import/keepalived/import.ts';
import { parseLines } from '../../../src/lvs/keepalived/conf/lines.ts';
import { treeOf } from '../../../src/lvs/keepalived/conf/tree.ts';
import { renderKeepalived } from '../../../src/lvs/keepalived/render.ts';
import { buildTopology } from '../../../src/lvs/model/build.ts';
import type { Topology } from '../../../src/lvs/model/topology.ts';
import { type Cluster, lvsValue } from '../lvs/arbitrary.ts';
import { lost, reimported, VERSION, withKeepalivedOnly } from './keepalived-support.ts';
import { heldByKeepalived } from './keepalived-topology.ts';

function topologyOf({ lvs, hosts }: Cluster): Topology {
  return withKeepalivedOnly(buildTopology({ value: lvs, locate: () => undefined }, hosts));
}

function addresses({ hosts }: Cluster): ReadonlyMap<string, string> {
  return new Map([...hosts.values()].flatMap(({ host, address }) => (address === undefined ? [] : [[host, address] as const])));
}

describe('a cluster, written as keepalived.conf of all its directors and imported', () => {
  it('is the same cluster, in all that keepalived.conf can hold; nothing is lost or taken for a mistake; and gives the same text again', () => {
    fc.assert(
      fc.property(lvsValue(), (cluster) => {
        const topology = topologyOf(cluster);
        const { topology: again, notes } = reimported(topology, addresses(cluster));
        expect(lost(notes)).toEqual([]);
        expect(heldByKeepalived(again)).toEqual(heldByKeepalived(topology));
        for (const director of topology.directors.keys()) expect(renderKeepalived(again, director, VERSION)).toBe(renderKeepalived(topology, director, VERSION));
      }),
      { numRuns: 300 },
    );
    // Half a minute on two busy cores; the bound is a safety net.
  });

  it('is the same cluster where drains are done by flag files, but for inhibit_on_failure, which the file has for all; the flags are no trackers of the cluster', () => {
    fc.assert(
      fc.property(lvsValue(), (cluster) => {
        const topology = uninhibited(topologyOf(cluster));
        const { topology: again, notes } = reimported(topology, addresses(cluster), 'flag');
        expect(lost(notes)).toEqual([]);
        expect(heldByKeepalived(again)).toEqual(heldByKeepalived(topology));
        const balances = [...topology.services.values()].some(({ realServers }) => realServers.length > 0);
        expect(again.drain.method).toBe(balances ? 'flag' : 'auto');
      }),
      { numRuns: 100 },
    );
  });
});

function uninhibited(topology: Topology): Topology {
  const services = [...topology.services].map(([name, service]) => [name, { ...service, inhibitOnFailure: false, realServers: service.realServers.map((server) => ({ ...server, inhibitOnFailure: false })) }] as const);
  return { ...topology, services: new Map(services) };
}

/** Blocks whose lines are data, not keywords: names, addresses, routes. */
const LISTS = /^\s*(group|unicast_peer|virtual_(ipaddress(_excluded)?|routes|rules)|track_\w+) \{$/;

describe('what the model does not have', () => {
  it('is listed as not understood with its line, wherever it stands', () => {
    fc.assert(
      fc.property(lvsValue(), fc.nat(), fc.constantFrom('zzz_unknown', 'zzz_unknown 1 "two words"', 'zzz_unknown {\n  inner 1\n}'), (cluster, place, odd) => {
        const topology = topologyOf(cluster);
        const lines = renderKeepalived(topology, 'd1', VERSION).split('\n');
        const places = lines.flatMap((line, index) => ((line.endsWith('{') && !LISTS.test(line)) || line === '}' ? [index + 1] : []));
        const at = places[place % places.length] ?? 0;
        const text = [...lines.slice(0, at), odd, ...lines.slice(at)].join('\n');
        const found = importKeepalived(treeOf(parseLines(text, 'odd.conf'))).notes.filter(({ kind }) => kind === 'not-understood');
        expect(found.map(({ text: said, position }) => [said.split(' ')[0], position?.line])).toEqual([['zzz_unknown', at + 1]]);
      }),
      { numRuns: 150 },
    );
  });
});
