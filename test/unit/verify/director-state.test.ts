import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { DIRECTOR_SCRIPT, parseDirectorState } from '../../../src/verify/director-state.ts';
import { counters, state, stateText } from './support.ts';

describe('what a director says of itself', () => {
  it('is read', () => {
    const lvs1 = state('lvs1', { connections: counters(3, 4) });
    const read = parseDirectorState('lvs1', stateText(lvs1));
    expect({ ...read, ipvs: read.ipvs?.trim() }).toEqual({ ...lvs1, ipvs: lvs1.ipvs?.trim() });
  });

  it('is read where IPVS and ipvsadm are missing', () => {
    const bare = state('lvs2', { ipvs: undefined, connections: new Map(), connReuseMode: undefined, expireNodestConn: undefined });
    expect(parseDirectorState('lvs2', stateText(bare))).toEqual(bare);
  });

  it('is read with IPv6', () => {
    const text = [
      '2: eth0    inet6 2001:db8::38/128 scope global nodad \\       valid_lft forever preferred_lft forever',
      '2: eth0    inet6 fe80::1/64 scope link \\       valid_lft forever preferred_lft forever',
      '--- link',
      '--- vs',
      '--- ipvs',
      '--- stats',
      'TCP  [2001:db8::38]:80          5       9        0     9        0',
      '  -> [2001:db8::18]:80          2        0        0     0        0',
      '  -> [2001:db8::28]:80          3        0        0     0        0',
      '--- daemons',
      '--- drains',
      '===',
      '--- failovers',
      '===',
      '',
    ].join('\n');
    const read = parseDirectorState('lvs1', text);
    expect([...read.addresses.keys()]).toEqual(['2001:db8::38', 'fe80::1']);
    expect(read.connections).toEqual(new Map([['TCP [2001:db8::38]:80', new Map([['[2001:db8::18]:80', 2], ['[2001:db8::28]:80', 3]])]]));
  });
});

describe.each([
  ['dash', ['dash']],
  ['busybox', ['busybox', 'sh']],
])('the script under %s', (_name, shell) => {
  it('tells addresses and MACs of a real host', () => {
    const setUp = 'ip link set lo up; ip link add eth0 address 52:54:00:00:98:01 type veth peer name peer; ip link set eth0 up; ip address add 192.168.0.38/32 dev eth0; exec "$@"';
    const output = execFileSync('unshare', ['-n', 'sh', '-c', setUp, 'sh', ...shell, '-c', DIRECTOR_SCRIPT], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    const read = parseDirectorState('lvs1', output);
    expect(read.addresses.get('192.168.0.38')).toBe('eth0');
    expect(read.macs.get('eth0')).toBe('52:54:00:00:98:01');
  });
});
