import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ensureImage, mmdebstrapCommand } from '../../../src/lab/image/image.ts';
import { knownHosts } from '../../../src/lab/keys.ts';
import { macAddress, networkBatch, tapsOf } from '../../../src/lab/network.ts';
import { kernelArguments, nodeScript } from '../../../src/lab/node.ts';
import { labPaths, nodePaths } from '../../../src/lab/state/paths.ts';
import { customizeScript, fetchHook, recipeHash } from '../../../src/lab/image/recipe.ts';
import type { LabSpec } from '../../../src/lab/spec.ts';
import { parseKeyscan, sshCommand } from '../../../src/lab/ssh.ts';

const SPEC: LabSpec = {
  networks: [
    { name: 'br0', control: [{ address: '192.0.2.254', prefix: 24 }] },
    { name: 'br1', control: [{ address: 'fd00::fffe', prefix: 64 }] },
  ],
  nodes: [
    {
      name: 'lvs1',
      address: '192.0.2.1',
      interfaces: [
        { name: 'eth0', network: 'br0', addresses: [{ address: '192.0.2.1', prefix: 24 }] },
        { name: 'eth1', network: 'br1', addresses: [{ address: 'fd00::1', prefix: 64 }] },
      ],
      gateway: undefined,
      memory: 160,
    },
    { name: 'rs1', address: '192.0.2.2', interfaces: [{ name: 'eth0', network: 'br0', addresses: [{ address: '192.0.2.2', prefix: 24 }] }], gateway: '192.0.2.1', memory: 96 },
  ],
};
const LAB = labPaths('demo', '/state/labs');

describe('the commands of a lab', () => {
  it('makes a bridge per segment and a tap per network card', () => {
    expect(networkBatch(SPEC)).toBe(`link set lo up
link add br0 address 02:6c:76:ff:ff:ff type bridge stp_state 0 forward_delay 0 mcast_snooping 0
link set br0 up
address add 192.0.2.254/24 dev br0
link add br1 address 02:6c:76:ff:ff:fe type bridge stp_state 0 forward_delay 0 mcast_snooping 0
link set br1 up
address add fd00::fffe/64 dev br1 nodad
tuntap add t0-0 mode tap
link set t0-0 master br0 addrgenmode none up
tuntap add t0-1 mode tap
link set t0-1 master br1 addrgenmode none up
tuntap add t1-0 mode tap
link set t1-0 master br0 addrgenmode none up
`);
    expect(tapsOf(SPEC, 'lvs1')).toEqual(['t0-0', 't0-1']);
    expect(tapsOf(SPEC, 'nobody')).toEqual([]);
  });

  it('gives every card a MAC address of its own', () => {
    const all = Array.from({ length: 300 }, (_, node) => [0, 1].map((card) => macAddress(node, card))).flat();
    expect(new Set(all).size).toBe(all.length);
    expect(all.every((mac) => /^02(:[0-9a-f]{2}){5}$/.test(mac))).toBe(true);
  });

  it('starts a kernel on a copy-on-write disk, confined to its folder', () => {
    const args = kernelArguments(SPEC.nodes[0]!, 0, '/cache/base.img', nodePaths(LAB, 'lvs1'), 'ab12');
    expect(args).toContain('ubd0=/state/labs/demo/nodes/lvs1/disk.cow,/cache/base.img');
    expect(args).toContain('hostfs=/state/labs/demo/nodes/lvs1/config');
    expect(args).toContain('vec1:transport=tap,ifname=t0-1,depth=64,gro=1,mac=02:6c:76:01:00:00');
    expect(args).toContain('mem=160M');
    expect(args).toContain('systemd.machine_id=ab12');
  });

  it('tells the node its name and addresses', () => {
    const script = nodeScript(SPEC.nodes[1]!, SPEC);
    expect(script).toContain('echo rs1 >/etc/hostname');
    expect(script).toContain('link set vec0 name eth0\nlink set eth0 up\naddress add 192.0.2.2/24 dev eth0\nroute add default via 192.0.2.1\n');
    expect(script).toContain('192.0.2.1 lvs1\n192.0.2.2 rs1\n');
    expect(nodeScript(SPEC.nodes[0]!, SPEC)).toContain('link set vec1 name eth1\nlink set eth1 up\naddress add fd00::1/64 dev eth1 nodad\n');
  });

  it.each(['dash', 'busybox'])('writes shell that %s can read', (shell) => {
    const argv = shell === 'busybox' ? ['sh', '-n'] : ['-n'];
    for (const script of [nodeScript(SPEC.nodes[0]!, SPEC), customizeScript(), customizeScript(['keepalived']), fetchHook()]) execFileSync(shell, argv, { input: script });
  });

  it('names nodes in known_hosts by address and name', () => {
    expect(knownHosts(SPEC, new Map([['lvs1', 'ssh-ed25519 AAAA'], ['rs1', 'ssh-ed25519 BBBB']]))).toBe('192.0.2.1,lvs1 ssh-ed25519 AAAA\n192.0.2.2,rs1 ssh-ed25519 BBBB\n');
  });

  it('reads what ssh-keyscan found', () => {
    expect(parseKeyscan('# 192.0.2.1:22 SSH-2.0-OpenSSH\n192.0.2.1 ssh-ed25519 AAAA\n\ngarbage\n')).toEqual(new Map([['192.0.2.1', 'ssh-ed25519 AAAA']]));
  });

  it('quotes what a node is to run, and checks host keys', () => {
    const argv = sshCommand(LAB, SPEC.nodes[1]!, ['sh', '-c', 'echo "$1"; id', 'sh', "it's"], { terminal: false });
    expect(argv.slice(0, 4)).toEqual(['nsenter', '--net=/run/netns/lvsplay-demo', '--', 'ssh']);
    expect(argv).toContain('StrictHostKeyChecking=yes');
    expect(argv.slice(-4)).toEqual(['root', '192.0.2.2', '--', `sh -c 'echo "$1"; id' sh 'it'\\''s'`]);
    expect(sshCommand(LAB, SPEC.nodes[1]!, [], { terminal: true, user: 'operator' }).slice(-3)).toEqual(['-l', 'operator', '192.0.2.2']);
  });

  it('hides a proxy from the list of processes: apt reads it from a file', () => {
    expect(mmdebstrapCommand('/work-folder')).toContain('--aptopt=/work-folder/apt.conf');
  });

  it('names an image by all that is in it', () => {
    expect(recipeHash('6.1.1')).toMatch(/^[0-9a-f]{16}$/);
    expect(recipeHash('6.1.1')).toBe(recipeHash('6.1.1'));
    expect(recipeHash('6.1.1')).not.toBe(recipeHash('6.1.2'));
    expect(recipeHash('6.1.1')).not.toBe(recipeHash('6.1.1', ['keepalived']));
  });

  it('refuses packages that nodes cannot have, before anything is built', async () => {
    await expect(ensureImage({ packages: ['keepalive'] })).rejects.toMatchObject({ code: 'lab-package', hint: 'did you mean keepalived?' });
  });
});
