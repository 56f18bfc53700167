import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEndpoint, isUsableVip, likelySameNetwork, parseEndpoint, parseIp, parsePrefixed } from '../../../../src/lvs/model/ip.ts';

describe('parseIp', () => {
  it.each([
    ['192.168.0.38', '192.168.0.38'],
    ['2001:DB8:0:0::0001', '2001:db8::1'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
  ])('%s', (text, address) => {
    expect(parseIp(text)?.address).toBe(address);
  });

  it.each(['', 'localhost', '1.2.3', '1.2.3.4/24', '010.0.0.1', '256.0.0.1', '1.2.3.4.5', 'fe80::1%eth0', '[::1]', ':::', '1::2::3', ' 1.2.3.4', '1.2.3.4\n'])('not %j', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  it('agrees with node', () => {
    const text = fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{1,20}$/), fc.string());
    fc.assert(fc.property(text, (one) => {
      expect(parseIp(one)?.family ?? 0).toBe(one.includes('%') ? 0 : isIP(one));
    }));
  });
});

describe('parsePrefixed', () => {
  it.each([
    ['192.168.0.38', '192.168.0.38', 32],
    ['192.168.0.38/24', '192.168.0.38', 24],
    ['2001:db8::1', '2001:db8::1', 128],
    ['2001:db8::1/64', '2001:db8::1', 64],
  ])('%s', (text, address, prefix) => {
    expect(parsePrefixed(text)).toMatchObject({ address, prefix });
  });

  it.each(['192.168.0.38/0', '192.168.0.38/33', '192.168.0.38/', '192.168.0.38/a', '1.2.3.4/24/24', '2001:db8::1/129', '/24'])('not %s', (text) => {
    expect(parsePrefixed(text)).toBeUndefined();
  });
});

describe('parseEndpoint', () => {
  it('reads what formatEndpoint writes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 65535 }), (text, port) => {
        const address = parseIp(text)?.address ?? '';
        expect(parseEndpoint(formatEndpoint(address, port))).toMatchObject({ address, port });
      }),
    );
  });

  it.each(['192.168.0.38', '192.168.0.38:', '192.168.0.38:65536', '192.168.0.38:-1', '2001:db8::1:80', '[192.168.0.38]:80', '[2001:db8::1]', 'www:80', ':80'])('not %s', (text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });
});

it.each([
  ['192.168.0.1', '192.168.0.254', true],
  ['192.168.0.1', '192.168.1.1', false],
  ['2001:db8::1', '2001:db8::ffff:1', true],
  ['2001:db8::1', '2001:db8:0:1::1', false],
  ['192.168.0.1', '2001:db8::1', false],
  ['name', '192.168.0.1', false],
])('%s and %s on one network: %j', (a, b, same) => {
  expect(likelySameNetwork(a, b)).toBe(same);
});

it.each([
  ['192.168.0.38', true],
  ['8.8.8.8', true],
  ['2001:db8::1', true],
  ['0.0.0.0', false],
  ['127.0.0.1', false],
  ['224.0.0.18', false],
  ['255.255.255.255', false],
  ['::', false],
  ['::1', false],
  ['fe80::1', false],
  ['ff02::12', false],
])('%s as a VIP: %j', (text, usable) => {
  const ip = parseIp(text);
  expect(ip !== undefined && isUsableVip(ip)).toBe(usable);
});
