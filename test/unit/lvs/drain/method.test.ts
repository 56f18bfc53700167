import { describe, expect, it } from 'vitest';
import { withTable, withWritten } from '../../../../src/lvs/drain/topology.ts';
import { drainMethod, drainMethodOf, noMethodWords } from '../../../../src/lvs/drain/method.ts';
import { keepalivedDirectors, methodFindings, methodWords } from '../../../../src/drain/preflight.ts';
import { expectedTable } from '../../../../src/lvs/ipvs/table.ts';
import { renderKeepalived } from '../../../../src/lvs/keepalived/render.ts';
import { type KeepalivedVersion, keepalivedVersion } from '../../../../src/lvs/keepalived/version.ts';
import { checksOf } from '../../../../src/lvs/model/topology.ts';
import { EXAMPLE, expectProblem, problemsOf, SINGLE, topologyOf } from '../support.ts';

function version(text: string): KeepalivedVersion {
  const found = keepalivedVersion(text);
  if (found === undefined) throw new Error(`no version: ${text}`);
  return found;
}

const flagged = topologyOf(`drain: { method: flag }\n${EXAMPLE}`);
const settings = (method: 'auto' | 'reload' | 'flag') => ({ method, position: undefined });

describe('the method', () => {
  it.each([
    // version, auto, reload, flag; '' where there is none that is safe
    ['1.3.5', 'reload', 'reload', ''],
    ['1.4.5', 'reload', 'reload', ''],
    ['2.0.0', '', '', ''],
    ['2.0.10', '', '', ''],
    ['2.0.15', '', '', ''],
    ['2.0.16', 'reload', 'reload', ''],
    ['2.0.20', 'reload', 'reload', ''],
    ['2.1.0', 'flag', '', 'flag'],
    ['2.1.5', 'flag', '', 'flag'],
    ['2.2.0', 'flag', '', 'flag'],
    ['2.2.1', 'flag', '', 'flag'],
    ['2.2.2', 'reload', 'reload', 'flag'],
    ['2.2.7', 'reload', 'reload', 'flag'],
    ['2.3.4', 'reload', 'reload', 'flag'],
  ] as const)('of keepalived %s', (text, ...wanted) => {
    const all = (['auto', 'reload', 'flag'] as const).map((method) => drainMethod(settings(method), version(text)));
    expect(all.map((method) => method ?? '')).toEqual(wanted);
    // Where there is none, the words say why and what helps; elsewhere the file is written by it.
    for (const [index, method] of (['auto', 'reload', 'flag'] as const).entries()) if (all[index] === undefined) expect(noMethodWords(settings(method), version(text)).why).toContain(text);
  });

  it('is the usual one where nobody knows', () => {
    expect(drainMethodOf(settings('flag'), undefined)).toBe('reload');
    expect(drainMethodOf(settings('auto'), version('2.0.10'))).toBe('reload');
    expect(drainMethodOf(settings('auto'), version('2.1.5'))).toBe('flag');
  });

  it('says what helps', () => {
    expect(noMethodWords(settings('auto'), version('2.0.10')).cure).toBe('upgrade it to 2.0.16 or later');
    expect(noMethodWords(settings('reload'), version('2.1.5')).cure).toBe('upgrade it to 2.2.2 or later, or set lvs.drain.method: auto, which drains by a flag file there');
    expect(noMethodWords(settings('flag'), version('2.0.20')).cure).toContain('2.1.0');
  });

  it('is a director\'s own: members of a pair may differ', () => {
    const topology = topologyOf(EXAMPLE);
    const both = new Map([['lvs1', version('2.2.7')], ['lvs2', version('2.1.5')]]);
    expect(methodFindings(topology, both)).toEqual([]);
    expect(methodWords(topology, both)).toBe('lvs2 drains by a flag file, without a reload: weight 0 is broken in that keepalived');
    expect(methodWords(topology, new Map([['lvs1', version('2.2.7')]]))).toBeUndefined();
    expect(methodWords(flagged, new Map([['lvs1', version('2.2.7')], ['lvs2', version('2.2.7')]]))).toBe('lvs1 and lvs2 drain by a flag file, without a reload');
    expect(methodFindings(topology, new Map([['lvs1', version('2.0.10')]]))).toMatchObject([{ rule: 'no-safe-method', message: expect.stringContaining('keepalived 2.0.10 has weight 0 broken') as string }]);
  });

  it('is asked of directors whose keepalived balances to the host', () => {
    expect(keepalivedDirectors(topologyOf(EXAMPLE), ['rs1'])).toEqual(['lvs1', 'lvs2']);
    expect(keepalivedDirectors(topologyOf(SINGLE.slice(0, SINGLE.indexOf('  checked:'))), ['rs1'])).toEqual([]);
  });
});

describe('the inventory', () => {
  it('says which is wanted', () => {
    expect(topologyOf(EXAMPLE).drain.method).toBe('auto');
    expect(topologyOf(`drain: {}\n${EXAMPLE}`).drain.method).toBe('auto');
    expect(flagged.drain.method).toBe('flag');
    expect(problemsOf(`drain:\n${EXAMPLE}`)).toEqual([]);
  });

  it.each([
    ['bad-value', `drain: { method: §flags }\n${EXAMPLE}`, /did you mean flag\? allowed: auto, reload, flag/],
    ['unknown-key', `drain: { §way: flag }\n${EXAMPLE}`, /known here: method/],
    ['wrong-type', `drain: §flag\n${EXAMPLE}`, /./],
  ] as const)('%s', (...example) => {
    expectProblem(example);
  });

  it('cannot have flags from a keepalived that watches none', () => {
    expect(() => renderKeepalived(flagged, 'lvs1', version('2.0.20'))).toThrow(/keepalived 2\.0\.20 of lvs1 cannot carry flag files: lvs\.drain\.method flag needs 2\.1\.0/);
  });
});

describe('what is written, and what the kernel has', () => {
  const drained = new Map([['rs1', '0']]);
  const conf = (method: 'reload' | 'flag', weights = drained): string => renderKeepalived(withWritten(topologyOf(EXAMPLE), weights, method), 'lvs1', version('2.2.7'), method);
  const weightsIn = (method: 'reload' | 'flag', weights: ReadonlyMap<string, string>) => expectedTable(withTable(topologyOf(EXAMPLE.replaceAll('weight: 1', 'weight: 8')), weights, method), 'lvs1').services.flatMap(({ destinations }) => destinations.map(({ weight, inhibit }) => [weight, inhibit]));

  it('stays as it is by a flag, but for less than the whole weight', () => {
    expect(conf('flag')).toBe(conf('flag', new Map()));
    expect(conf('reload')).not.toBe(conf('reload', new Map()));
    const more = topologyOf(EXAMPLE.replaceAll('weight: 1', 'weight: 8'));
    expect(renderKeepalived(withWritten(more, new Map([['rs1', '25%']]), 'flag'), 'lvs1', version('2.2.7'), 'flag')).toMatch(/weight 2\n/);
  });

  it('watches a flag for each real server, and keeps what failed in the table', () => {
    const text = conf('flag');
    for (const host of ['rs1', 'rs2']) expect(text).toContain(`track_file lvs-play-drain-${host} {\n    file "/var/lib/lvs-play/drain-flags/${host}"\n    weight 0\n}`);
    expect(text.match(/inhibit_on_failure/g)).toHaveLength(2);
    expect(text.match(/FILE_CHECK \{\n +track_file lvs-play-drain-rs\d\n +weight 0\n/g)).toHaveLength(2);
    expect(text.match(/TCP_CHECK/g)).toHaveLength(2);
    expect(conf('reload')).not.toMatch(/FILE_CHECK|inhibit|track_file/);
  });

  it('has weight 0 in the kernel by either', () => {
    expect(weightsIn('reload', drained)).toEqual([[0, false], [8, false]]);
    expect(weightsIn('flag', drained)).toEqual([[0, true], [8, true]]);
    expect(weightsIn('flag', new Map([['rs1', '50%']]))).toEqual([[4, true], [8, true]]);
  });

  it('leaves services alone that a script fills', () => {
    const { services } = withTable(topologyOf(SINGLE), drained, 'flag');
    const web = services.get('web');
    expect(web?.realServers.map((server) => [server.weight, server.inhibitOnFailure, checksOf(web, server).length])).toEqual([[0, false, 0], [3, false, 0]]);
    expect(withWritten(topologyOf(SINGLE), drained, 'flag').services.get('checked')?.realServers[0]?.weight).toBe(1);
  });
});
