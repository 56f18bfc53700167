import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forgottenFailovers } from '../../../../src/lvs/failover/forgotten.ts';
import type { FailoverRecord } from '../../../../src/lvs/failover/record.ts';
import { movedWith, withFailovers } from '../../../../src/lvs/failover/topology.ts';
import { renderKeepalived } from '../../../../src/lvs/keepalived/render.ts';
import { keepalivedVersion } from '../../../../src/lvs/keepalived/version.ts';
import type { Topology } from '../../../../src/lvs/model/topology.ts';
import { EXAMPLE, topologyOf } from '../support.ts';

const HOSTS = ['lvs1', 'lvs2', 'lvs3', 'lvs4'];

function pairOf(priorities: readonly number[], more = ''): Topology {
  const members = priorities.map((priority, index) => `      ${HOSTS[index] ?? ''}: { priority: ${String(priority)} }`).join('\n');
  return topologyOf(`ha_pairs:\n  edge:\n    members:\n${members}\n    interface: eth0\n    virtual_router_id: 51\n    vips: [192.168.0.38]\n${more}`);
}

const membersIn = (topology: Topology, pair = 'edge'): [string, number][] => topology.pairs.get(pair)?.members.map(({ host, priority }) => [host, priority]) ?? [];

describe('a topology with a failover', () => {
  it.each([
    ['lvs1', [['lvs1', 100], ['lvs2', 90], ['lvs3', 80]]],
    ['lvs2', [['lvs2', 100], ['lvs1', 90], ['lvs3', 80]]],
    ['lvs3', [['lvs3', 100], ['lvs1', 90], ['lvs2', 80]]],
    ['lvs4', [['lvs1', 100], ['lvs2', 90], ['lvs3', 80]]],
  ])('to %s', (to, members) => {
    expect(membersIn(withFailovers(pairOf([100, 90, 80]), new Map([['edge', to]])))).toEqual(members);
  });

  it('gives the same priorities, the highest to the target, and keeps the order of the others', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 254 }), { minLength: 2, maxLength: 4 }), fc.nat(3), (priorities, which) => {
        const topology = pairOf(priorities);
        const to = HOSTS[which % priorities.length] ?? '';
        const before = membersIn(topology);
        const after = membersIn(withFailovers(topology, new Map([['edge', to]])));
        expect(after.map(([, priority]) => priority)).toEqual(before.map(([, priority]) => priority));
        expect(after[0]?.[0]).toBe(to);
        expect(after.slice(1).map(([host]) => host)).toEqual(before.map(([host]) => host).filter((host) => host !== to));
      }),
    );
  });

  it('is the same without one, and with one of a pair that is gone', () => {
    const topology = pairOf([100, 90]);
    expect(withFailovers(topology, new Map())).toBe(topology);
    expect(withFailovers(topology, new Map([['gone', 'lvs2']]))).toEqual(topology);
  });

  it('is rendered with the priorities and the initial states that it gives', () => {
    const version = keepalivedVersion('1:2.2.7-1')!;
    const moved = withFailovers(topologyOf(EXAMPLE), new Map([['edge', 'lvs2']]));
    expect(renderKeepalived(moved, 'lvs2', version)).toMatch(/state MASTER[^}]*priority 100/);
    expect(renderKeepalived(moved, 'lvs1', version)).toMatch(/state BACKUP[^}]*priority 90/);
  });
});

const GROUPED = `ha_pairs:
  outside: &pair
    members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }
    interface: eth0
    virtual_router_id: 51
    vips: [192.168.0.38]
  inside: { <<: *pair, virtual_router_id: 52, vips: [192.168.0.39] }
  alone: { <<: *pair, virtual_router_id: 53, vips: [192.168.0.40] }
sync_groups: { both: { pairs: [outside, inside] } }
`;

it('pairs of one sync group move together, others alone', () => {
  const topology = topologyOf(GROUPED);
  expect(movedWith(topology, 'inside')).toEqual(['outside', 'inside']);
  expect(movedWith(topology, 'alone')).toEqual(['alone']);
});

describe('a failover that directors know of', () => {
  const NOW = Date.parse('2026-11-24T06:00:00Z');
  const record = (change: Partial<FailoverRecord> = {}): FailoverRecord => ({ version: 1, pair: 'edge', to: 'lvs2', by: 'alice@ops1', reason: 'kernel', since: '2026-11-24T05:00:00Z', until: null, ...change });
  const known = (...records: (FailoverRecord | undefined)[]) => forgottenFailovers(pairOf([100, 90]), records.map((one, index) => ({ host: HOSTS[index] ?? '', failovers: one === undefined ? {} : { [one.pair]: one } })), NOW);

  it.each<readonly [string, readonly (FailoverRecord | undefined)[], string | null]>([
    ['both know', [record(), record()], null],
    ['only one could be asked', [record()], null],
    ['its time is not over', [record({ until: '2026-11-24T06:00:01Z' }), record()], null],
    ['its time is over', [record({ until: '2026-11-24T06:00:00Z' }), record()], 'it was to be over at 2026-11-24T06:00:00Z'],
    ['one knows nothing', [record(), undefined], 'lvs2 knows nothing of it'],
    ['they differ', [record(), record({ to: 'lvs1' })], 'lvs2 has it to lvs1'],
    ['the pair is gone', [record({ pair: 'gone' }), undefined], 'it is no pair of the inventory any more'],
    ['the director is gone', [record({ to: 'lvs4' }), record({ to: 'lvs4' })], 'lvs4 is no member of it any more'],
  ])('%s', (_name, records, forgotten) => {
    expect(known(...records)[0]?.forgotten).toBe(forgotten);
  });

  it('is named with those who have it', () => {
    expect(known(undefined, record())).toEqual([{ record: record(), on: ['lvs2'], forgotten: 'lvs1 knows nothing of it' }]);
    expect(known(undefined, undefined)).toEqual([]);
  });
});
