import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareTables, expectedTable, type IpvsTable, parseIpvsadmSave, parseProcNetIpVs, serviceKey } from '../../../../src/lvs/ipvs/table.ts';
import { changed, EXAMPLE, topologyOf } from '../support.ts';

const HEAD = 'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n';
const PROC = `${HEAD}TCP  C0A80026:0050 rr 
  -> C0A80012:0050      Route   1      3          17        
  -> C0A8001C:0050      Route   1      0          0         
`;
const SAVE = `-A -t 192.168.0.38:80 -s rr
-a -t 192.168.0.38:80 -r 192.168.0.18:80 -g -w 1
-a -t 192.168.0.38:80 -r 192.168.0.28:80 -g -w 1
`;

describe('parseProcNetIpVs', () => {
  it('reads the example', () => {
    expect(parseProcNetIpVs(PROC).services).toEqual([
      {
        protocol: 'tcp',
        address: '192.168.0.38',
        port: 80,
        scheduler: 'rr',
        flags: undefined,
        persistence: undefined,
        destinations: [
          { address: '192.168.0.18', port: 80, forward: 'dr', weight: 1, activeConnections: 3, inactiveConnections: 17 },
          { address: '192.168.0.28', port: 80, forward: 'dr', weight: 1, activeConnections: 0, inactiveConnections: 0 },
        ],
      },
    ]);
  });

  it('reads marks, IPv6, persistence, one-packet scheduling and every way of forwarding', () => {
    const text = `${HEAD}UDP  [2001:0db8:0000:0000:0000:0000:0000:0038]:0035 wlc persistent 6000 FFFFFFFF
  -> [2001:0db8:0000:0000:0000:0000:0000:0018]:0035      Tunnel  2147483647 0          0         
FWM  0000000A sh ops persistent 30000 FFFFFFFF
  -> C0A80012:0000      Local   0      1          2         
SCTP C0A80026:1F90 mh 
  -> C0A80012:0051      Masq    7      0          0         
`;
    const { services } = parseProcNetIpVs(text);
    expect(services.map(serviceKey)).toEqual(['UDP [2001:db8::38]:53', 'FWM 10', 'SCTP 192.168.0.38:8080']);
    expect(services.map((service) => service.persistence)).toEqual(['unknown', 'unknown', undefined]);
    expect(services.flatMap((service) => service.destinations.map(({ address, port, forward, weight }) => `${address} ${String(port)} ${forward} ${String(weight)}`))).toEqual([
      '2001:db8::18 53 tun 2147483647',
      '192.168.0.18 0 local 0',
      '192.168.0.18 81 nat 7',
    ]);
  });

  it('takes an empty table, and refuses what no kernel writes', () => {
    expect(parseProcNetIpVs(HEAD)).toEqual({ services: [] });
    for (const line of ['TCP  192.168.0.38:80 rr', 'ICMP C0A80026:0050 rr', `${PROC}  -> C0A80012:0050 Elsewhere 1 0 0`, `${PROC}  -> C0A80012:0050 Route x 0 0`]) {
      expect(() => parseProcNetIpVs(line), line).toThrow();
    }
  });

  it('gives back any IPv4 table', () => {
    const server = fc.record({ ip: fc.nat(0xffffffff), port: fc.nat(65535), weight: fc.nat(2_147_483_647) });
    const hex = (value: number, width: number): string => value.toString(16).toUpperCase().padStart(width, '0');
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(65535), fc.array(server), (vip, port, servers) => {
        const lines = servers.map((one) => `  -> ${hex(one.ip, 8)}:${hex(one.port, 4)}      Masq    ${String(one.weight).padEnd(6)} 0          0         `);
        const [service] = parseProcNetIpVs(`${HEAD}TCP  ${hex(vip, 8)}:${hex(port, 4)} rr \n${lines.join('\n')}\n`).services;
        const number = (address: string): number => address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
        expect([number(service?.address ?? ''), service?.port]).toEqual([vip, port]);
        expect(service?.destinations.map((one) => ({ ip: number(one.address), port: one.port, weight: one.weight }))).toEqual(servers);
      }),
    );
  });
});

describe('parseIpvsadmSave', () => {
  it('reads the same table from ipvsadm -Sn', () => {
    expect(compareTables(parseProcNetIpVs(PROC), parseIpvsadmSave(SAVE))).toEqual([]);
  });

  it('reads persistence, flags, marks and IPv6', () => {
    const [mark, six] = parseIpvsadmSave('-A -f 10 -s sh -p 600 -b sh-fallback,sh-port\n-a -f 10 -r 192.168.0.18:0 -i -w 1\n-A -u [2001:db8::38]:53 -s rr --ops\n').services;
    expect(mark).toMatchObject({ protocol: 'fwm', port: 10, persistence: 600, flags: ['sh-fallback', 'sh-port'], destinations: [{ forward: 'tun' }] });
    expect(six).toMatchObject({ protocol: 'udp', address: '2001:db8::38', port: 53, flags: ['ops'] });
  });

  it('reads masks, engines, both families of a mark, and tunnels', () => {
    const [four, six, sip] = parseIpvsadmSave(
      [
        '-A -f 10 -s rr -p 600 -M 255.255.255.0',
        '-a -f 10 -r 192.168.0.18:0 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum',
        '-A -f 10 -6 -s rr -p 300 -M 64',
        '-a -f 10 -6 -r [2001:db8::18]:0 -i -w 2',
        '-A -u 192.168.0.38:5060 -s rr -p 60 --pe sip',
        '',
      ].join('\n'),
    ).services;
    expect(four).toMatchObject({ family: 4, persistencePrefix: 24, engine: null, destinations: [{ tunnel: { type: 'gue', port: 6080, checksum: 'remcsum' } }] });
    expect(six).toMatchObject({ family: 6, persistencePrefix: 64, destinations: [{ address: '2001:db8::18', weight: 2, tunnel: { type: 'ipip', port: undefined, checksum: 'none' } }] });
    expect(sip).toMatchObject({ persistencePrefix: 32, engine: 'sip' });
  });

  it('refuses other lines', () => {
    for (const text of ['-D -t 1.2.3.4:80', '-a -t 1.2.3.4:80 -r 1.2.3.5:80 -g -w 1', 'hello']) expect(() => parseIpvsadmSave(text), text).toThrow();
  });
});

describe('compareTables', () => {
  const expected = expectedTable(topologyOf(EXAMPLE), 'lvs1');
  it('finds nothing to say of the table that is wanted, whatever the counters, the order and the director', () => {
    expect(compareTables(expected, parseProcNetIpVs(PROC))).toEqual([]);
    expect(compareTables(expected, parseIpvsadmSave(SAVE))).toEqual([]);
    expect(compareTables(expectedTable(topologyOf(EXAMPLE), 'lvs2'), reversed(parseProcNetIpVs(PROC)))).toEqual([]);
    expect(expectedTable(topologyOf(EXAMPLE), 'rs1')).toEqual({ services: [] });
  });

  it.each<[string, string, RegExp]>([
    ['missing-service', HEAD, /TCP 192\.168\.0\.38:80.*missing/],
    ['foreign-service', `${PROC}TCP  C0A80026:01BB rr \n`, /TCP 192\.168\.0\.38:443/],
    ['scheduler', changed(PROC, ' rr ', ' wlc '), /wlc, not rr/],
    ['persistence', changed(PROC, ' rr ', ' rr persistent 6000 FFFFFFFF'), /on, not off/],
    ['missing-server', changed(PROC, '  -> C0A8001C:0050      Route   1      0          0         \n', ''), /rs2 \(192\.168\.0\.28:80\) is missing; a failed health check/],
    ['foreign-server', `${PROC}  -> C0A8001D:0050      Route   1      0          0         \n`, /192\.168\.0\.29:80/],
    ['weight', changed(PROC, 'Route   1      3', 'Route   0      3'), /rs1.*weight 0, not 1/],
    ['forward', changed(PROC, 'Route   1      3', 'Masq    1      3'), /rs1.*nat, not dr/],
  ])('%s', (kind, text, words) => {
    const differences = compareTables(expected, parseProcNetIpVs(text));
    expect(differences.map((difference) => difference.kind)).toEqual([kind]);
    expect(differences[0]?.text).toMatch(words);
  });

  it('accepts LocalNode for a director that serves itself', () => {
    const text = changed(changed(EXAMPLE, 'on: edge', 'on: rs1'), '192.168.0.38:80', '192.168.0.39:80');
    expect(compareTables(expectedTable(topologyOf(text), 'rs1'), parseProcNetIpVs(changed(changed(PROC, 'Route   1      3', 'Local   1      3'), 'C0A80026', 'C0A80027')))).toEqual([]);
  });

  it('compares the seconds of persistence where both tables tell them', () => {
    const sticky = expectedTable(topologyOf(changed(EXAMPLE, 'mode: dr', 'mode: dr\n    persistence: 60')), 'lvs1');
    expect(compareTables(sticky, parseIpvsadmSave(changed(SAVE, '-s rr', '-s rr -p 60')))).toEqual([]);
    expect(compareTables(sticky, parseIpvsadmSave(changed(SAVE, '-s rr', '-s rr -p 90'))).map((one) => one.text)).toEqual([expect.stringMatching(/90 s, not 60 s/)]);
    expect(compareTables(sticky, parseProcNetIpVs(changed(PROC, ' rr ', ' rr persistent 6000 FFFFFFFF')))).toEqual([]);
  });
});

describe('compareTables with all of IPVS', () => {
  const whole = (service: string): IpvsTable => expectedTable(topologyOf(`${EXAMPLE}${service}`), 'lvs1');
  const MARK = `  marks:
    on: edge
    fwmark: 7
    endpoints: ['192.168.0.38:81']
    mode: tun
    tunnel: { type: gue, port: 6080 }
    scheduler: sh
    scheduler_flags: [sh-port]
    persistence: { timeout: 60, prefix: 24 }
    inhibit_on_failure: true
    real_servers: { rs1: { upper_threshold: 9, lower_threshold: 4 }, rs2: }
    sorry_server: { address: 192.168.0.77 }
`;
  const SAVED = `${SAVE}-A -f 7 -s sh -b sh-port -p 60 -M 255.255.255.0
-a -f 7 -r 192.168.0.18:0 -i -w 1 --tun-type gue --tun-port 6080
-a -f 7 -r 192.168.0.28:0 -i -w 1 --tun-type gue --tun-port 6080
`;
  const kinds = (text: string): readonly string[] => compareTables(whole(MARK), parseIpvsadmSave(text)).map(({ kind }) => kind);

  it('finds nothing where nothing is', () => {
    expect(kinds(SAVED)).toEqual([]);
    const proc = `${PROC}FWM  00000007 sh persistent 6000 FFFFFF00\n  -> C0A80012:0000      Tunnel  1      0          0         \n  -> C0A8001C:0000      Tunnel  1      0          0         \n`;
    expect(compareTables(whole(MARK), parseProcNetIpVs(proc))).toEqual([]);
    // Of a mark the kernel's file does not tell the family.
    const six = whole(MARK.replace("'192.168.0.38:81'", "'[2001:db8::38]:81'").replace('on: edge', 'on: lvs1').replace('prefix: 24', 'prefix: 128').replace('{ address: 192.168.0.77 }', '{ address: "2001:db8::77" }'));
    expect(compareTables(six, parseProcNetIpVs(proc))).toEqual([]);
  });

  it.each<[string, string]>([
    ['flags', SAVED.replace(' -b sh-port', '')],
    ['persistence', SAVED.replace('255.255.255.0', '255.255.0.0')],
    ['persistence', SAVED.replace('-p 60 -M 255.255.255.0', '-p 60 -M 255.255.255.0 --pe sip')],
    ['tunnel', SAVED.replace(' --tun-type gue --tun-port 6080', '')],
    ['tunnel', SAVED.replace('6080', '6081')],
    ['inhibited-server', SAVED.replace('-r 192.168.0.28:0 -i -w 1', '-r 192.168.0.28:0 -i -w 0')],
    ['sorry-server', `${SAVED}-a -f 7 -r 192.168.0.77:0 -i -w 1\n`],
    ['foreign-server', `${SAVED}-a -f 7 -r 192.168.0.78:0 -i -w 1\n`],
  ])('%s', (kind, text) => {
    expect(kinds(text)).toEqual([kind]);
  });

  it('sees thresholds where the source tells them', () => {
    const table = whole(MARK);
    const other = { services: table.services.map((service) => ({ ...service, destinations: service.destinations.map((server) => ({ ...server, upperThreshold: 3 })) })) };
    expect(compareTables(table, other).map(({ text }) => text)).toContain('FWM 7: real server rs1 (192.168.0.18:0) has connection thresholds 3/4, not 9/4');
  });
});

function reversed(table: IpvsTable): IpvsTable {
  return { services: table.services.map((service) => ({ ...service, destinations: [...service.destinations].reverse() })) };
}
