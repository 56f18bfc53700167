import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionsScript, isInSync, lasting, parseConnections, syncState, syncWords } from '../../../../src/lvs/failover/sync.ts';

/** As the kernel writes it (ip_vs_conn_seq_show). */
const TABLE = `Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP C0A800FE 9C40 C0A80026 0050 C0A80012 0050 ESTABLISHED     897
TCP C0A800FE 9C42 C0A80026 0050 C0A80012 0050 FIN_WAIT        119
TCP C0A800FE 0000 C0A80026 0050 C0A80012 0050 ESTABLISHED      59
TCP C0A800FE 9C44 C0A80099 0050 C0A80012 0050 ESTABLISHED     897
UDP C0A800FE 9C46 C0A80026 0035 C0A80012 0035 UDP             297
TCP 2001:0db8:0000:0000:0000:0000:0000:00fe 9C48 2001:0db8:0000:0000:0000:0000:0000:0038 0050 2001:0db8:0000:0000:0000:0000:0000:0018 0050 ESTABLISHED     897
`;

describe('established connections', () => {
  it.each([
    [['192.168.0.38'], ['TCP C0A800FE:9C40 C0A80026:0050']],
    [['192.168.0.38', '2001:db8::38'], ['TCP C0A800FE:9C40 C0A80026:0050', 'TCP 2001:0db8:0000:0000:0000:0000:0000:00fe:9C48 2001:0db8:0000:0000:0000:0000:0000:0038:0050']],
    [['10.0.0.1'], []],
  ])('of %j, and no templates, others or closing ones', (vips, connections) => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-test-'));
    try {
      const file = path.join(dir, 'table');
      writeFileSync(file, TABLE);
      const output = execFileSync('sh', ['-c', connectionsScript(vips).replaceAll('/proc/net/ip_vs_conn', file)], { encoding: 'utf8' });
      expect([...parseConnections(output)]).toEqual(connections);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('are none where there is no IPVS, and an answer that is cut short is none', () => {
    expect(parseConnections(execFileSync('sh', ['-c', connectionsScript(['192.168.0.38']).replaceAll('/proc/net/ip_vs_conn', '/nowhere')], { encoding: 'utf8' })).size).toBe(0);
    expect(() => parseConnections('TCP a b\n')).toThrow('incomplete');
  });
});

describe('what another director knows', () => {
  it.each([
    [['a', 'b'], ['a', 'b', 'c'], true, 'lvs2 knows 2 of 2 established connections'],
    [['a', 'b'], ['b'], false, 'lvs2 knows 1 of 2 established connections'],
    [['a'], ['a'], true, 'lvs2 knows 1 of 1 established connection'],
    [[], ['z'], true, 'lvs2: no connection is established that it would have to know'],
  ])('of %j, with %j', (own, other, inSync, words) => {
    const state = syncState('lvs1', 'lvs2', new Map([['lvs1', new Set(own)], ['lvs2', new Set(other)]]));
    expect(isInSync(state)).toBe(inSync);
    expect(syncWords(state)).toBe(words);
  });

  it('is never more than there is, and those that last are in both looks', () => {
    const sets = fc.array(fc.constantFrom('a', 'b', 'c', 'd')).map((all) => new Set(all));
    fc.assert(
      fc.property(sets, sets, (first, second) => {
        const state = syncState('x', 'y', new Map([['x', first], ['y', second]]));
        expect(state.known).toBeLessThanOrEqual(state.established);
        expect(lasting(first, second)).toEqual(new Set([...first].filter((one) => second.has(one))));
      }),
    );
  });
});
