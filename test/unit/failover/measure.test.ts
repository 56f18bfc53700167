import { describe, expect, it } from 'vitest';
import { countSenders, wayTo } from '../../../src/failover/measure/arp.ts';
import { plansFor } from '../../../src/failover/measure/measure.ts';
import { type FailoverReport, namedArps, reportLines } from '../../../src/failover/report.ts';
import { topologyOf } from '../lvs/support.ts';
import { seen } from '../observe/support.ts';

describe('gratuitous ARP', () => {
  it('is counted by its sender', () => {
    const heard = [
      '17:10:01.123456 02:6c:76:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 192.168.0.38 (ff:ff:ff:ff:ff:ff) tell 192.168.0.38, length 28',
      '17:10:01.123460 02:6c:76:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 192.168.0.38 (ff:ff:ff:ff:ff:ff) tell 192.168.0.38, length 28',
      '17:10:06.000001 02:6c:76:00:00:00 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Reply 192.168.0.38 is-at 02:6c:76:00:00:00, length 28',
      'cut sh',
    ].join('\n');
    expect(countSenders(heard)).toEqual({ '02:6c:76:00:00:01': 2, '02:6c:76:00:00:00': 1 });
    expect(countSenders('')).toEqual({});
  });

  it.each([
    ['192.168.0.38 dev segment0 src 192.168.0.254 uid 0 \\    cache', { device: 'segment0' }],
    ['192.168.0.38 via 10.0.0.1 dev eth0 src 10.0.0.9 uid 0', { unseen: '192.168.0.38 is behind a router' }],
    ['local 192.168.0.38 dev lo src 192.168.0.38', { unseen: '192.168.0.38 is an address of this machine itself' }],
    ['RTNETLINK answers: Network is unreachable', { unseen: 'no route to 192.168.0.38' }],
  ])('can be heard, or not: %s', (route, way) => {
    expect(wayTo('192.168.0.38', route)).toEqual(way);
  });

  it('is told by the name of who sent it', () => {
    const look = seen({ lvs2: { macs: ['02:6c:76:00:00:01'] }, lvs1: undefined }) as never;
    expect(namedArps([{ vip: 'a', from: { '02:6c:76:00:00:01': 5, '02:00:00:00:00:99': 1 } }, { vip: 'b', unseen: 'no' }], look)).toEqual([{ vip: 'a', from: { lvs2: 5, '02:00:00:00:00:99': 1 } }, { vip: 'b', unseen: 'no' }]);
  });
});

it('clients of a few TCP services are played, all together as often as those of one; of the others it is said why not', () => {
  const services = ['80', '81', '82', '83'].map((port) => `  s${port}: { on: lvs1, interface: eth0, address: "192.168.0.38:${port}", mode: dr, scheduler: rr, real_servers: { rs1: } }`);
  const dns = '  dns: { on: lvs1, interface: eth0, address: "192.168.0.38:53", protocol: udp, mode: dr, scheduler: rr, real_servers: { rs1: } }';
  const { plans, untried } = plansFor([...topologyOf(`virtual_services:\n${[...services, dns].join('\n')}\n`).services.values()]);
  expect(plans.map(({ service, every, request }) => [service, every, request.kind])).toEqual([['s80', 60, 'http'], ['s81', 60, 'connect'], ['s82', 60, 'connect']]);
  expect(untried).toEqual([{ service: 'dns', why: 'its clients cannot be played: it is no TCP service of one port' }, { service: 's83', why: 'clients of 3 services are played' }]);
});

describe('a report', () => {
  const pulse = { version: 1 as const, service: 'web', from: 'controller', begun: '', ended: '', every: 20, sent: 100, answered: 100, faults: {}, troubled: 0, gap: 41, gapAt: '', held: { opened: 20, alive: 19, faults: { 'connection reset': 1 } } };
  const report: FailoverReport = {
    version: 1,
    what: 'drill stop',
    pairs: ['edge'],
    from: 'lvs1',
    to: 'lvs2',
    moved: true,
    before: [{ vip: 'v', holders: ['lvs1'] }],
    after: [{ vip: 'v', holders: ['lvs2'] }],
    mended: [{ vip: 'v', holders: [] }],
    unknown: [],
    missing: [],
    sync: { holder: 'lvs1', target: 'lvs2', established: 20, known: 19 },
    measured: { timelines: [{ vip: 'v', holders: ['lvs1', 'lvs2'], nobody: 610, several: 0, uncertainty: 20 }], clients: [pulse], untried: [{ service: 'dns', why: 'it is no TCP service of one port' }], arps: [{ vip: 'v', from: { lvs2: 5 } }] },
    bound: { milliseconds: 3648, advertInt: 1, priority: 90 },
  };

  it('says what was measured', () => {
    expect(reportLines(report)).toEqual([
      'edge: lvs1 -> lvs2',
      'v: lvs1 before, lvs2 after, nobody when all was mended',
      'v went from lvs1 to lvs2; nobody held it for 0.61 s (± 0.02 s)',
      'web: 100 requests, none failed; longest gap 41 ms; 19 of 20 connections lived',
      'dns: not measured: it is no TCP service of one port',
      'before: lvs2 knows 19 of 20 established connections',
      'gratuitous ARP for v: 5 from lvs2',
      'VRRP takes up to 3.65 s to miss a MASTER that died: 3 x 1 s + (256 - 90)/256 x 1 s',
    ]);
  });

  it('claims nothing that was not', () => {
    const measured = { ...report.measured!, clients: [{ ...pulse, answered: 0 }], arps: [{ vip: 'v', unseen: 'tcpdump is not installed here' }] };
    const lines = reportLines({ ...report, measured });
    expect(lines).toContain('web: not measured: no request was answered from here (100 were sent)');
    expect(lines).toContain('gratuitous ARP for v: not measured: tcpdump is not installed here');
  });
});
