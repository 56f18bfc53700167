import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LvsPlayError } from '../../../../src/core/errors.ts';
import { fakeTarget, shellReply } from '../../../../src/transport/fake.ts';
import type { Target } from '../../../../src/transport/target.ts';
import { askArp } from '../../../../src/verify/vantage/arp.ts';

const VIP = '10.99.0.2';
const SHARED = '10.99.0.3';

/**
 * A segment of our own: the asking side on a bridge, and two hosts behind it. One carries VIP, both carry SHARED. The hosts are
 * network namespaces held by a process each, so that everything is gone with the processes.
 */
const SEGMENT = `set -e
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
ip address add 10.99.0.1/24 dev br0
ip route add 10.98.0.0/24 via 10.99.0.2
for n in 1 2; do
  unshare -n sh -c 'echo; exec sleep 120' >/dev/null &
  host=$!
  until [ "$(readlink /proc/$host/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
  ip link add p$n type veth peer name eth0 address 52:54:00:00:99:0$n
  ip link set p$n master br0 up
  ip link set eth0 netns $host
  nsenter -t $host -n sh -c "ip link set eth0 up; ip address add ${SHARED}/24 dev eth0"
  [ $n = 2 ] || nsenter -t $host -n ip address add ${VIP}/24 dev eth0
  eval "host$n=$host"
done
trap 'kill $host1 $host2' TERM
echo ready
wait
`;

let segment: ChildProcess;

beforeAll(async () => {
  segment = spawn('unshare', ['-n', 'sh', '-c', SEGMENT], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    segment.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString('utf8').includes('ready')) resolve();
    });
    segment.on('close', (code) => reject(new Error(`the segment ended with ${String(code)}`)));
  });
});
afterAll(() => {
  segment.kill('SIGTERM');
});

/** The asking side's shell. @param path without arping: only what busybox, ip and ping need */
function asking(shell: readonly string[], prologue = ''): Target {
  return fakeTarget('client', ({ script }) => {
    return new Promise((resolve) => {
      const child = spawn('nsenter', ['-t', String(segment.pid), '-n', ...shell, '-c', `${prologue}\n${script}`], { stdio: ['ignore', 'pipe', 'pipe'] });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      child.on('close', (code) => resolve(shellReply(text, code ?? 1)));
    });
  });
}

describe.each([
  ['dash', ['dash']],
  ['busybox', ['busybox', 'sh']],
])('asked by %s', (_name, shell) => {
  it('hears the one that answers', async () => {
    expect(await askArp(VIP, 'client', asking(shell))).toEqual({ macs: ['52:54:00:00:99:01'], all: true });
  });

  it('hears both when two answer', async () => {
    const seen = await askArp(SHARED, 'client', asking(shell));
    expect('macs' in seen ? [...seen.macs].sort() : seen).toEqual(['52:54:00:00:99:01', '52:54:00:00:99:02']);
  });

  it('hears nobody', async () => {
    expect(await askArp('10.99.0.77', 'client', asking(shell))).toEqual({ macs: [], all: true });
  });

  it('says what cannot be seen from there', async () => {
    expect(await askArp('10.98.0.1', 'client', asking(shell))).toEqual({ unseen: '10.98.0.1 is behind a router, seen from client' });
    expect(await askArp('10.99.0.1', 'client', asking(shell))).toEqual({ unseen: '10.99.0.1 is an address of client itself' });
    expect(await askArp('203.0.113.1', 'client', asking(shell))).toEqual({ unseen: 'no route to 203.0.113.1 from client' });
  });

  it('falls back to the neighbour table where arping is not allowed, and says so', async () => {
    // A function goes before PATH, and before busybox' own applets.
    const refused = asking(shell, 'arping() { return 2; }');
    expect(await askArp(VIP, 'client', refused)).toEqual({ macs: ['52:54:00:00:99:01'], all: false });
  });
});

it('does not ask about IPv6', async () => {
  expect(await askArp('2001:db8::38', 'client', fakeTarget('client', () => ''))).toEqual({ unseen: 'IPv6 has no ARP' });
});

it('asks without root where root is not to be had, but does not hide that a host is gone', async () => {
  const refusing = fakeTarget('client', ({ become }) => {
    if (become === true) throw new LvsPlayError({ code: 'become-password', kind: 'host', message: 'sudo wants a password' });
    return `neighbour-table\n${VIP} dev eth0 lladdr 52:54:00:00:99:01 REACHABLE\n`;
  });
  expect(await askArp(VIP, 'client', refusing)).toEqual({ macs: ['52:54:00:00:99:01'], all: false });
  const gone = fakeTarget('client', () => {
    throw new LvsPlayError({ code: 'no-route', kind: 'unreachable', message: 'gone' });
  });
  await expect(askArp(VIP, 'client', gone)).rejects.toThrow('gone');
});
