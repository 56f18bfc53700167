import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { addressesIn, canonical, highestFree, isInNetwork, networkOf, parseAddress } from '../../../src/lab/inventory/addresses.ts';

describe('parseAddress', () => {
  it.each([
    ['192.0.2.1', { address: '192.0.2.1', prefix: 24, explicit: false }],
    ['192.0.2.1/16', { address: '192.0.2.1', prefix: 16, explicit: true }],
    [' 192.0.2.1/32 ', { address: '192.0.2.1', prefix: 32, explicit: true }],
    ['fd00::1', { address: 'fd00::1', prefix: 64, explicit: false }],
    ['fd00::1/112', { address: 'fd00::1', prefix: 112, explicit: true }],
  ])('%s', (text, expected) => {
    expect(parseAddress(text)).toEqual(expected);
  });

  it.each(['', 'rs1', '192.0.2', '192.0.2.1/33', '192.0.2.1/', '192.0.2.1/x', '192.0.2.1/24/1', 'fd00::1/129', 'fe80::1%eth0', '{{ address }}'])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe('networks', () => {
  it.each([
    ['192.0.2.77', 24, '192.0.2.0/24'],
    ['192.0.2.77', 26, '192.0.2.64/26'],
    ['10.1.2.3', 8, '10.0.0.0/8'],
    ['fd00:0:0::5', 64, 'fd00::/64'],
  ])('%s/%i is in %s', (address, prefix, network) => {
    expect(networkOf({ address, prefix })).toBe(network);
    expect(isInNetwork(address, network)).toBe(true);
  });

  it('tells networks and families apart', () => {
    expect(isInNetwork('192.0.3.1', '192.0.2.0/24')).toBe(false);
    expect(isInNetwork('fd00::1', '192.0.2.0/24')).toBe(false);
    expect(isInNetwork('192.0.2.1', 'nonsense')).toBe(false);
  });

  it('has one spelling for an address', () => {
    expect(canonical('fd00:0:0:0::0001')).toBe('fd00::1');
    expect(canonical('192.0.2.1')).toBe('192.0.2.1');
  });
});

describe('highestFree', () => {
  it.each([
    ['192.0.2.0/24', [], '192.0.2.254'],
    ['192.0.2.0/24', ['192.0.2.254', '192.0.2.253'], '192.0.2.252'],
    ['192.0.2.0/30', ['192.0.2.2'], '192.0.2.1'],
    ['192.0.2.0/30', ['192.0.2.1', '192.0.2.2'], undefined],
    ['192.0.2.0/31', ['192.0.2.1'], '192.0.2.0'],
    ['192.0.2.9/32', ['192.0.2.9'], undefined],
    ['fd00::/64', [], 'fd00::fffe'],
    ['fd00::/126', ['fd00::3'], 'fd00::2'],
  ])('in %s without %j it is %s', (network, taken, expected) => {
    expect(highestFree(network, new Set(taken))?.address).toBe(expected);
  });

  it('is in the network and not taken', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 20, max: 29 }), fc.array(fc.integer({ min: 0, max: 255 })), (address, prefix, offsets) => {
        const network = networkOf({ address, prefix });
        const taken = new Set<string>();
        for (const _ of offsets) taken.add(highestFree(network, taken)?.address ?? '');
        const free = highestFree(network, taken);
        if (free === undefined) return;
        expect(taken.has(free.address)).toBe(false);
        expect(isInNetwork(free.address, network)).toBe(true);
        expect(free.prefix).toBe(prefix);
      }),
      { numRuns: 50 },
    );
  });
});

describe('addressesIn', () => {
  it('finds VIPs wherever they are written', () => {
    const value = { vips: ['192.0.2.38/24'], services: { web: { address: '192.0.2.39:80' }, six: '[fd00:0::5]:80' }, '192.0.2.7': 1, text: 'at 192.0.2.8, then', version: '1.2', off: null };
    expect([...addressesIn(value)].sort()).toEqual(['192.0.2.38', '192.0.2.39', '192.0.2.7', '192.0.2.8', 'fd00::5']);
  });
});
