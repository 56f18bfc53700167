import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainService } from '../../../src/explain/explain.ts';
import { formatExplanation } from '../../../src/explain/format.ts';
import { hostsOf, needsOf } from '../../../src/explain/judge.ts';
import { buildTopology } from '../../../src/lvs/model/build.ts';
import { lvsValue } from '../lvs/arbitrary.ts';
import { explained, needed, PAIR, way } from './support.ts';

describe('the way of a packet', () => {
  it('DR: the MACs change, addresses stay, the answer passes no director', () => {
    const explanation = explained({});
    expect(way(explanation)).toEqual(['client -> director: CIP:port -> 10.0.0.100:80', 'director -> real server: CIP:port -> 10.0.0.100:80', 'real server -> client: 10.0.0.100:80 -> CIP:port']);
    const [arrival, forward, back] = explanation.paths[0]?.hops ?? [];
    expect(forward?.packet?.destinationMac).toBe("rs1's");
    expect(needed(arrival === undefined ? [] : [arrival])).toContain('rs1 sysctl arp_ignore 1 (or 2) and arp_announce 2, on all or on the network interface');
    expect(needed(forward === undefined ? [] : [forward])).toEqual(expect.arrayContaining(['rs1 address 10.0.0.100/32 on lo', 'lvs2 route 10.0.0.11 without a gateway in between', 'rs1 port TCP port 80 open on 10.0.0.100, or on all addresses']));
    expect(needed(back === undefined ? [] : [back])).toEqual(['rs1 route a default route that does not lead to lvs1 or lvs2']);
  });

  it('NAT: destination and source are translated, and the answer comes back by the director', () => {
    const explanation = explained({ on: 'lvs1', address: '10.0.0.1:80', mode: 'nat', real_servers: { rs1: { port: 8080 } } }, { nat_networks: { inside: { on: 'lvs1', network: '10.0.0.0/24', gateway: '10.0.0.1' } } });
    expect(way(explanation)).toEqual([
      'client -> director: CIP:port -> 10.0.0.1:80',
      'director -> real server: CIP:port -> 10.0.0.11:8080',
      'real server -> director: 10.0.0.11:8080 -> CIP:port',
      'director -> client: 10.0.0.1:80 -> CIP:port',
    ]);
    const all = needed(explanation.paths[0]?.hops ?? []);
    expect(all).toEqual(expect.arrayContaining(['rs1 route the default route via 10.0.0.1', 'lvs1 sysctl net.ipv4.ip_forward = 1', 'lvs1 sysctl send_redirects = 0 on all and on the interface towards 10.0.0.11', 'rs1 port TCP port 8080 open on 10.0.0.11, or on all addresses']));
    expect(all.join('\n')).not.toMatch(/arp_ignore|on lo/);
  });

  it.each([
    ['ipip', 'IP in IP', 20],
    [{ type: 'gre' }, 'GRE', 24],
    [{ type: 'gre', checksum: 'csum' }, 'GRE', 28],
    [{ type: 'gue', port: 6000 }, 'GUE over UDP port 6000', 32],
    [{ type: 'gue', checksum: 'csum' }, 'GUE over UDP port 6080', 32],
    [{ type: 'gue', checksum: 'remcsum' }, 'GUE over UDP port 6080', 40],
  ])('TUN with %j: a header around the packet', (tunnel, encapsulation, bytes) => {
    const explanation = explained({ mode: 'tun', tunnel });
    expect(way(explanation)[1]).toBe(`director -> real server: [${encapsulation} 10.0.0.1 or 10.0.0.2 (DIP) -> 10.0.0.11] CIP:port -> 10.0.0.100:80`);
    expect(explanation.paths[0]?.hops[1]?.rewritten).toEqual([`nothing inside; a header around it (${encapsulation}), ${String(bytes)} bytes`]);
    const all = needed(explanation.paths[0]?.hops ?? []).join('\n');
    expect(all).toMatch(/rs1 address 10\.0\.0\.100\/32 on \w+/);
    expect(all).toMatch(/rp_filter of all and \w+ not 1/);
    expect(all).not.toMatch(/on lo$/m);
  });

  it.each([
    ['10.0.0.100', 'six2', 'ipip', 'IPv4 in IPv6', 40],
    ['fd00::64', 'six2', 'ipip', 'IPv6 in IPv6', 40],
    ['fd00::64', 'rs1', 'ipip', 'IPv6 in IPv4', 20],
    ['fd00::64', 'six2', { type: 'gre', checksum: 'csum' }, 'GRE', 48],
  ])('TUN of %s to %s by %j: the families of both headers', (vip, host, tunnel, encapsulation, bytes) => {
    const address = vip.includes(':') ? `[${vip}]:80` : `${vip}:80`;
    const explanation = explained({ mode: 'tun', tunnel, address, real_servers: { [host]: {} } }, { ha_pairs: { edge: { ...PAIR, vips: [vip] } } });
    expect(explanation.paths[0]?.hops[1]?.rewritten).toEqual([`nothing inside; a header around it (${encapsulation}), ${String(bytes)} bytes`]);
  });

  it('IPv6: no ARP rules', () => {
    const explanation = explained({ address: '[fd00::64]:80', real_servers: { six2: {} } }, { ha_pairs: { edge: { ...PAIR, vips: ['fd00::64'], members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } } } } });
    expect(way(explanation)[0]).toBe('client -> director: CIP:port -> [fd00::64]:80');
    const all = needed(explanation.paths[0]?.hops ?? []);
    expect(all).toContain('six2 address fd00::64/128 on lo');
    expect(all.join()).not.toContain('arp_');
  });

  it('firewall mark: the rule is needed, and every endpoint is named', () => {
    const explanation = explained({ address: undefined as never, fwmark: 7, endpoints: ['10.0.0.100:80', '10.0.0.100:443'] });
    expect(explanation.endpoints).toEqual(['10.0.0.100:80', '10.0.0.100:443']);
    const all = needed(explanation.paths[0]?.hops ?? []);
    expect(all).toContain('lvs1 firewall mark 7 on tcp 10.0.0.100:80, tcp 10.0.0.100:443, in PREROUTING of the mangle table');
    expect(all).toContain('rs1 port TCP port 443 open on 10.0.0.100, or on all addresses');
  });

  it('persistence, sorry server, synchronisation and VMAC are told', () => {
    const explanation = explained(
      { persistence: { timeout: 300, prefix: 24 }, sorry_server: { address: '10.0.0.99' }, quorum: 2 },
      { ha_pairs: { edge: { ...PAIR, connection_sync: true, vmac: true } } },
    );
    expect(explanation.about.join('\n')).toMatch(/Clients of one \/24 network stay .* until 300 seconds/);
    expect(explanation.about.join('\n')).toMatch(/sum to less than 2, 10\.0\.0\.99:80 answers instead/);
    expect(explanation.about.join('\n')).toMatch(/over eth0 \(UDP 8848, sync ID 51\)/);
    expect(explanation.paths[0]?.hops[0]?.packet?.destinationMac).toBe("the virtual router's, 00:00:5e:00:01:33");
  });

  it('a director that serves itself: the packet stays while it is active, else it is sent as any', () => {
    const explanation = explained({ mode: 'nat', real_servers: { lvs1: {}, rs1: {} } });
    expect(explanation.paths.map(({ realServer, condition }) => [realServer, condition])).toEqual([
      ['lvs1', 'while lvs1 holds 10.0.0.100'],
      ['lvs1', 'while lvs2 holds 10.0.0.100'],
      ['rs1', undefined],
    ]);
    expect(way(explanation)[1]).toBe('director -> real server: stays');
    expect(way(explanation, 1)[1]).toBe('director -> real server: CIP:port -> 10.0.0.1:80');
  });
});

describe('as text', () => {
  it('real servers that are reached alike are told once', () => {
    const text = formatExplanation(explained({}));
    expect(text.match(/^To /gm)).toHaveLength(1);
    expect(text).toContain('The same way to rs2 (10.0.0.12:80, weight 1).');
    expect(text).toMatch(/^ {2}lvs1, lvs2$/m);
  });
});

it('every sound cluster can be explained, with a place for every need', () => {
  fc.assert(
    fc.property(lvsValue(), ({ lvs, hosts }) => {
      const topology = buildTopology({ value: lvs, locate: () => undefined }, hosts);
      for (const service of topology.services.values()) {
        const explanation = explainService(topology, service);
        expect(new Set(explanation.paths.map(({ realServer }) => realServer))).toEqual(new Set(service.realServers.map(({ host }) => host)));
        for (const host of hostsOf(explanation)) expect(hosts.has(host)).toBe(true);
        const text = formatExplanation(explanation);
        expect(text).not.toMatch(/undefined|NaN|\[object/);
        for (const need of needsOf(explanation)) expect(text).toContain(need.what);
      }
    }),
    { numRuns: 100 },
  );
});
