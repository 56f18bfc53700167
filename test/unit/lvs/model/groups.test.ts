import { describe, expect, it } from 'vitest';
import { backupFirst, lvsGroups } from '../../../../src/lvs/model/groups.ts';
import { changed, EXAMPLE, topologyOf } from '../support.ts';

const TWO_PAIRS = changed(
  EXAMPLE,
  'virtual_services:',
  `  edge-inner:
    members: { lvs3: { priority: 80 }, lvs1: { priority: 40 } }
    interface: eth1
    virtual_router_id: 52
    vips: [10.1.0.80]
virtual_services:`,
);

describe('lvsGroups', () => {
  it('names directors, real servers and each pair', () => {
    expect(Object.fromEntries(lvsGroups(topologyOf(TWO_PAIRS)))).toEqual({
      lvs_directors: ['lvs1', 'lvs2', 'lvs3'],
      lvs_real_servers: ['rs1', 'rs2'],
      lvs_pair_edge: ['lvs1', 'lvs2'],
      lvs_pair_edge_inner: ['lvs3', 'lvs1'],
    });
  });

  it('joins pairs whose names become the same group', () => {
    const groups = lvsGroups(topologyOf(TWO_PAIRS.replaceAll('edge-inner', 'a-b').replaceAll('edge', 'a.b')));
    expect(groups.get('lvs_pair_a_b')).toEqual(['lvs1', 'lvs2', 'lvs3']);
  });

  it('has its two main groups for an empty cluster too', () => {
    expect(Object.fromEntries(lvsGroups(topologyOf('{}')))).toEqual({ lvs_directors: [], lvs_real_servers: [] });
  });
});

describe('backupFirst', () => {
  it.each([
    [['lvs1', 'lvs2'], ['lvs2', 'lvs1']],
    [['lvs2', 'lvs1'], ['lvs2', 'lvs1']],
    // lvs1 counts with its highest priority: it is MASTER of one of its pairs.
    [['lvs1', 'lvs3', 'lvs2'], ['lvs3', 'lvs2', 'lvs1']],
    [['rs2', 'lvs1', 'rs1', 'lvs2'], ['lvs2', 'lvs1', 'rs2', 'rs1']],
    [['rs2', 'rs1'], ['rs2', 'rs1']],
    [[], []],
  ])('%j', (hosts, expected) => {
    expect(backupFirst(topologyOf(TWO_PAIRS), hosts)).toEqual(expected);
  });
});
