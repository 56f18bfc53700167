import { expect, it } from 'vitest';
import { fakeTarget, shellReply } from '../../../src/transport/fake.ts';
import { judgeServers, parseServer } from '../../../src/verify/servers.ts';
import { parseSources } from '../../../src/verify/vantage/sources.ts';
import { answerTo, seen } from '../observe/support.ts';
import { example, state, VIP } from './support.ts';

it('reads the ways that answers take, and what stands below', () => {
  const text = [
    '=== 203.0.113.7 192.168.0.38',
    '203.0.113.7 from 192.168.0.38 via 192.168.0.254 dev eth0 uid 0 \\    cache ',
    '=== 192.168.0.70 192.168.0.38',
    '192.168.0.70 from 192.168.0.38 dev eth0 uid 0 ',
    '=== 2001:db8::7 2001:db8::38',
    '2001:db8::7 from 2001:db8::38 via inet6 fe80::1 dev eth1 proto ra metric 100 pref medium',
    '=== 10.0.0.1 192.168.0.38',
    'unreachable 10.0.0.1 dev lo src 192.168.0.38',
    '=== 10.0.0.2 192.168.0.38',
    '--- sockets',
    'end',
    '',
  ].join('\n');
  expect(parseServer(text)).toEqual({
    sockets: 'end\n',
    routes: new Map([
      ['203.0.113.7 192.168.0.38', { via: '192.168.0.254', device: 'eth0' }],
      ['192.168.0.70 192.168.0.38', { via: undefined, device: 'eth0' }],
      ['2001:db8::7 2001:db8::38', { via: 'fe80::1', device: 'eth1' }],
      ['10.0.0.1 192.168.0.38', undefined],
      ['10.0.0.2 192.168.0.38', undefined],
    ]),
  });
});

it('takes nothing but addresses for the own ones of a vantage', () => {
  const output = ['192.168.0.38 dev eth0 src 192.168.0.70 uid 0 \\    cache', '', 'local 10.0.0.1 dev lo src 10.0.0.1', '10.0.0.9 dev eth0 src $(reboot)', ''].join('\n');
  expect(parseSources(['192.168.0.38', '10.9.9.9', '10.0.0.1', '10.0.0.9'], output)).toEqual(new Map([['192.168.0.38', '192.168.0.70']]));
});

it('asks each real server once, however many vantages there are; one that does not answer hides nothing', async () => {
  const rs1 = fakeTarget('rs1', (request) => answerTo(request, '=== 192.168.0.70 192.168.0.38\n192.168.0.70 from 192.168.0.38 dev eth0\n--- sockets\nlisten 2600A8C0:0050\nend\n'));
  const rs2 = fakeTarget('rs2', () => shellReply('', 1, 'cannot fork\n'));
  const { checks, missing } = await judgeServers({
    topology: example(),
    target: (host) => Promise.resolve(host === 'rs1' ? rs1 : rs2),
    clients: ['controller', 'client1'].map((name) => ({ name, sources: new Map([[VIP, '192.168.0.70']]) })),
    states: seen({ lvs1: state('lvs1'), lvs2: state('lvs2') }),
  });
  expect(checks.map(({ name, subject, from, verdict }) => [name, subject, from, verdict])).toEqual([
    ['listener', 'rs1', undefined, 'pass'],
    ['return-path', 'rs1', 'controller', 'pass'],
    ['return-path', 'rs1', 'client1', 'pass'],
  ]);
  expect(missing.map(({ host, kind }) => [host, kind])).toEqual([['rs2', 'failed']]);
  expect([rs1.requests.length, rs2.requests.length]).toEqual([1, 1]);
  expect(rs1.requests[0]?.script).toContain('ip -o route get 192.168.0.70 from 192.168.0.38');
});
