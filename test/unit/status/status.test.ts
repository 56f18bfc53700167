import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCounters } from '../../../src/lvs/ipvs/counters.ts';
import { formatStatus, sparkline } from '../../../src/report/status.ts';
import type { DirectorStatus } from '../../../src/status/look.ts';
import { formatMetrics } from '../../../src/status/metrics.ts';
import { type ClusterStatus, clusterStatus, withDrift } from '../../../src/status/status.ts';
import { createStyle } from '../../../src/report/terminal/style.ts';
import { clusterOf, CLUSTER } from '../drain/fake.ts';
import { seen } from '../observe/support.ts';

const NOW = Date.parse('2026-11-24T06:00:00Z');
const KEY = 'TCP 192.168.0.38:80';
const ADDRESSES: Readonly<Record<string, string>> = { rs1: '192.168.0.18', rs2: '192.168.0.28', rs3: '192.168.0.29' };

const record = (host: string, change: Partial<DirectorStatus['drains'][string]> = {}) => ({ version: 1 as const, host, weight: '0', by: 'alice@ops1', reason: 'kernel', since: '2026-11-24T05:00:00Z', until: null, run: null, ...change });

/** @param weights by real server; undefined: not in the table */
function director(host: string, weights: Readonly<Record<string, number | undefined>> = {}, change: Partial<DirectorStatus> = {}): DirectorStatus {
  const all: Readonly<Record<string, number | undefined>> = { rs1: 8, rs2: 8, rs3: 8, ...weights };
  const destinations = Object.entries(all).flatMap(([name, weight]) => (weight === undefined ? [] : [{ address: ADDRESSES[name] ?? '', port: 80, forward: 'dr' as const, weight, activeConnections: 3, inactiveConnections: 7 }]));
  return {
    host,
    table: { services: [{ protocol: 'tcp', address: '192.168.0.38', port: 80, scheduler: 'wrr', flags: undefined, persistence: undefined, destinations }] },
    rates: new Map([[KEY, new Map([['192.168.0.18:80', { connections: 12, bytesIn: 3400, bytesOut: 0 }]])]]),
    holds: new Set(host === 'lvs1' ? ['192.168.0.38'] : []),
    drains: {},
    failovers: {},
    keepalived: 'runs',
    method: 'reload',
    sync: [],
    ...change,
  };
}

/** @param null: it cannot be reached */
const statusOf = (lvs1: DirectorStatus | null, lvs2: DirectorStatus | null = director('lvs2'), text = CLUSTER): ClusterStatus => clusterStatus(clusterOf(text), seen({ lvs1: lvs1 ?? undefined, lvs2: lvs2 ?? undefined }), NOW);
const stateOf = (status: ClusterStatus, host: string): string | undefined => status.services[0]?.servers.find((server) => server.host === host)?.state;

describe('a status', () => {
  it('of a sound cluster has nothing to see to', () => {
    const status = statusOf(director('lvs1'));
    expect(status.problems).toEqual([]);
    expect(status.vips).toEqual([{ vip: '192.168.0.38', pair: 'edge', holders: ['lvs1'], unknown: [], verdict: 'held' }]);
    expect([status.unknown, status.verdict]).toEqual([[], 'ok']);
    expect(status.services[0]).toMatchObject({ name: 'web', key: KEY, holder: 'lvs1' });
    expect(status.services[0]?.servers[0]).toEqual({ host: 'rs1', endpoint: '192.168.0.18:80', weight: 8, weights: { lvs1: 8, lvs2: 8 }, active: 3, inactive: 7, rate: { connections: 12, bytesIn: 3400, bytesOut: 0 }, state: 'serves' });
  });

  it.each<readonly [string, ClusterStatus, string[]]>([
    ['two holders', statusOf(director('lvs1'), director('lvs2', {}, { holds: new Set(['192.168.0.38']) })), ['lvs1 and lvs2 both hold 192.168.0.38']],
    ['nobody', statusOf(director('lvs1', {}, { holds: new Set() })), ['nobody holds 192.168.0.38']],
    ['a director that is away', statusOf(null), ['lvs1 did not answer (connection refused)']],
    ['a failed health check', statusOf(director('lvs1', { rs2: undefined }), director('lvs2', { rs2: undefined })), ['web: rs2 is out: its health check failed']],
    ['a failed health check where keepalived drains by flags', statusOf(director('lvs1', { rs2: undefined }), director('lvs2', { rs2: 0 }, { method: 'flag' })), ['web: rs2 is out: its health check failed']],
    ['weight 0 that nobody asked for', statusOf(director('lvs1', { rs2: 0 }), director('lvs2', { rs2: 0 })), ['web: rs2 has weight 0 on lvs1, weight 0 on lvs2, and should have 8']],
    ['a weight that is nobody\'s', statusOf(director('lvs1', { rs2: 5 })), ['web: rs2 has weight 5 on lvs1, weight 8 on lvs2, and should have 8']],
    ['a server that one director lacks', statusOf(director('lvs1'), director('lvs2', { rs3: undefined })), ['web: rs3 has weight 8 on lvs1, no entry on lvs2, and should have 8']],
    ['a service without a server', statusOf(director('lvs1', { rs1: undefined, rs2: undefined, rs3: undefined }), director('lvs2', { rs1: undefined, rs2: undefined, rs3: undefined })), ['web has no real server', ...['rs1', 'rs2', 'rs3'].map((host) => `web: ${host} is out: its health check failed`)]],
    ['keepalived that does not run', statusOf(director('lvs1'), director('lvs2', {}, { keepalived: 'stopped' })), ['keepalived does not run on lvs2']],
    ['sync daemons that are off', statusOf(director('lvs1', {}, { sync: ['master'] }), director('lvs2'), CLUSTER.replace('virtual_router_id', 'connection_sync: true\n    virtual_router_id')), ['connections are not synchronised on lvs2']],
  ])('names %s', (_name, status, problems) => {
    expect(status.problems).toEqual(problems);
  });

  it('tells drift where it was asked for', () => {
    const style = createStyle(false);
    const sound = withDrift(statusOf(director('lvs1')), { playbook: 'site.yml', differences: 0, on: [], unknown: [], compared: 4, unreachable: [], failed: [] });
    expect(sound.problems).toEqual([]);
    expect(formatStatus(sound, style, undefined)).toContain('drift      none, by site.yml\n');
    const other = withDrift(statusOf(director('lvs1')), { playbook: 'site.yml', differences: 3, on: ['lvs2'], unknown: ['rs1'], compared: 3, unreachable: ['rs1'], failed: [] });
    expect(other.problems).toEqual(['lvs2 differs from site.yml in 3 things: lvs-play drift site.yml', 'rs1 could not be compared with site.yml']);
    expect(formatStatus(other, style, undefined)).toContain('drift      3 on lvs2, by site.yml; unknown on rs1\n');
    expect(formatStatus(statusOf(director('lvs1')), style, undefined)).not.toContain('drift');
  });

  it('names a failover and whose it is, and calls it forgotten when it is', () => {
    const moved = { version: 1 as const, pair: 'edge', to: 'lvs2', by: 'alice@ops1', reason: 'kernel', since: '2026-11-24T05:00:00Z', until: '2026-11-24T07:00:00Z' };
    const known = statusOf(director('lvs1', {}, { failovers: { edge: moved } }), director('lvs2', {}, { failovers: { edge: moved } }));
    expect(known.problems).toEqual([]);
    expect(known.failovers).toEqual([{ pair: 'edge', to: 'lvs2', by: 'alice@ops1', reason: 'kernel', since: '2026-11-24T05:00:00Z', until: '2026-11-24T07:00:00Z', on: ['lvs1', 'lvs2'], forgotten: null }]);
    expect(formatStatus(known, createStyle(false), undefined)).toContain('\nedge fails over to lvs2 by alice@ops1: kernel; since 2026-11-24T05:00:00Z, until 2026-11-24T07:00:00Z, on lvs1, lvs2\n');
    const forgotten = statusOf(director('lvs1', {}, { failovers: { edge: moved } }));
    expect(forgotten.problems).toEqual(['the failover of edge to lvs2 by alice@ops1 is forgotten: lvs2 knows nothing of it']);
    expect(formatStatus(forgotten, createStyle(false), undefined)).toContain('; FORGOTTEN: lvs2 knows nothing of it; lvs-play failback edge\n');
    expect(formatMetrics(forgotten)).toContain('lvs_failed_over{pair="edge",director="lvs2",by="alice@ops1",forgotten="yes"} 1\n');
  });

  it('tells a drain from a fault, and whose it is', () => {
    const drained = (weight: string, kernel: number) => statusOf(director('lvs1', { rs1: kernel }, { drains: { rs1: record('rs1', { weight }) } }), director('lvs2', { rs1: kernel }, { drains: { rs1: record('rs1', { weight }) } }));
    expect([stateOf(drained('0', 0), 'rs1'), stateOf(drained('25%', 2), 'rs1'), stateOf(drained('0', 8), 'rs1')]).toEqual(['drained', 'restoring', 'differs']);
    expect(drained('0', 0).problems).toEqual([]);
    expect(drained('0', 0).drains).toEqual([{ host: 'rs1', weight: '0', by: 'alice@ops1', reason: 'kernel', since: '2026-11-24T05:00:00Z', until: null, run: null, on: ['lvs1', 'lvs2'], forgotten: null }]);
  });

  it.each<readonly [string, DirectorStatus, DirectorStatus, string]>([
    ['its time is over', director('lvs1', { rs1: 0 }, { drains: { rs1: record('rs1', { until: '2026-11-24T05:59:59Z' }) } }), director('lvs2', { rs1: 0 }, { drains: { rs1: record('rs1') } }), 'it was to be over at 2026-11-24T05:59:59Z'],
    ['one director does not know of it', director('lvs1', { rs1: 0 }, { drains: { rs1: record('rs1') } }), director('lvs2'), 'lvs2 knows nothing of it'],
    ['the host is no real server any more', director('lvs1', {}, { drains: { old: record('old') } }), director('lvs2'), 'it is no real server of the inventory any more'],
  ])('a drain is forgotten when %s', (_name, lvs1, lvs2, why) => {
    const status = statusOf(lvs1, lvs2);
    expect(status.drains[0]?.forgotten).toBe(why);
    expect(status.problems).toContain(`the drain of ${status.drains[0]?.host ?? ''} by alice@ops1 is forgotten: ${why}`);
  });

  it('is shown to people, with what is wrong', () => {
    const text = formatStatus(statusOf(director('lvs1', { rs1: 0, rs2: undefined }, { drains: { rs1: record('rs1') } }), director('lvs2', { rs1: 0, rs2: undefined }, { drains: { rs1: record('rs1') } })), createStyle(false), '20261124-050000-1234  deploy site.yml by alice@ops1: ok');
    expect(text).toMatch(/^192\.168\.0\.38 {2}lvs1 {2}\(edge\)$/m);
    expect(text).toMatch(/^ {2}rs1 +192\.168\.0\.18:80 +0 +3 +7 +12 +3\.4 kB\/s +0 B\/s +drained$/m);
    expect(text).toMatch(/^ {2}rs2 +192\.168\.0\.28:80 +- +0 +0 +- +- +- +out$/m);
    expect(text).toContain('rs1 is drained by alice@ops1: kernel; since 2026-11-24T05:00:00Z, on lvs1, lvs2');
    expect(text).toContain('! web: rs2 is out: its health check failed');
    expect(text).toContain('last run   20261124-050000-1234');
  });
});

describe('rates', () => {
  it('are read from ipvsadm, of both families', () => {
    const text = 'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n  -> RemoteAddress:Port\nTCP  192.168.0.38:80                    12       60        0     3400        0\n  -> 192.168.0.18:80                     6       30        0     1700        0\nFWM  7 IPv6                              1        2        3        4        5\n  -> [2001:db8::18]:0                    1        2        3        4        5\n';
    expect([...parseCounters(text)].map(([key, servers]) => [key, [...servers]])).toEqual([
      ['TCP 192.168.0.38:80', [['192.168.0.18:80', { connections: 6, bytesIn: 1700, bytesOut: 0 }]]],
      ['FWM 7 IPv6', [['[2001:db8::18]:0', { connections: 1, bytesIn: 4, bytesOut: 5 }]]],
    ]);
  });
});

describe('a sparkline', () => {
  it('has a bar for each value, the highest for the highest', () => {
    expect(sparkline([0, 1, 2, 4])).toBe('▁▃▅█');
    expect(sparkline([0, 0])).toBe('▁▁');
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1 }), (values) => {
        const bars = sparkline(values);
        expect(bars).toHaveLength(values.length);
        if (Math.max(...values) > 0) expect(bars.charAt(values.indexOf(Math.max(...values)))).toBe('█');
      }),
    );
  });
});

/** Prometheus's text format 0.0.4, strictly: comments before the samples of their metric, labels quoted and escaped, numbers. */
function parseExposition(text: string): { readonly name: string; readonly labels: Record<string, string>; readonly value: number }[] {
  expect(text.endsWith('\n')).toBe(true);
  const typed = new Set<string>();
  return text.trimEnd().split('\n').flatMap((line) => {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment !== null) {
      if (comment[1] === 'TYPE') {
        expect(comment[3]).toBe('gauge');
        expect(typed.has(comment[2] ?? '')).toBe(false);
        typed.add(comment[2] ?? '');
      }
      return [];
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*)\})? (-?\d+(?:\.\d+)?)$/.exec(line);
    if (sample === null) throw new Error(`no line of the format: ${line}`);
    expect(typed.has(sample[1] ?? '')).toBe(true);
    const labels = [...(sample[2] ?? '').matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"/g)].map(([, name = '', value = '']) => [name, value.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))]);
    return [{ name: sample[1] ?? '', labels: Object.fromEntries(labels) as Record<string, string>, value: Number(sample[3]) }];
  });
}

describe('metrics', () => {
  it('are what the status says, in the text format', () => {
    const samples = parseExposition(formatMetrics(statusOf(director('lvs1', { rs1: 0 }, { drains: { rs1: record('rs1') } }), null)));
    const value = (name: string, labels: Record<string, string> = {}): number | undefined => samples.find((sample) => sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text))?.value;
    expect(value('lvs_vip_holders', { vip: '192.168.0.38' })).toBe(1);
    expect(value('lvs_director_up', { director: 'lvs1' })).toBe(1);
    expect(value('lvs_director_up', { director: 'lvs2' })).toBe(0);
    expect(value('lvs_real_server_weight', { real_server: 'rs1', director: 'lvs1' })).toBe(0);
    expect(value('lvs_real_server_configured_weight', { real_server: 'rs1' })).toBe(8);
    expect(value('lvs_real_server_active_connections', { real_server: 'rs2' })).toBe(3);
    expect(value('lvs_real_server_serves', { real_server: 'rs1', state: 'drained' })).toBe(0);
    expect(value('lvs_drained', { real_server: 'rs1', by: 'alice@ops1' })).toBe(1);
    expect(value('lvs_problems')).toBe(1);
    expect(value('lvs_status_timestamp_seconds')).toBe(NOW / 1000);
  });

  it('hold whatever names people give', () => {
    fc.assert(
      fc.property(fc.string(), (by) => {
        const samples = parseExposition(formatMetrics(statusOf(director('lvs1', { rs1: 0 }, { drains: { rs1: record('rs1', { by }) } }))));
        expect(samples.find(({ name }) => name === 'lvs_drained')?.labels['by']).toBe(by);
      }),
    );
  });
});
