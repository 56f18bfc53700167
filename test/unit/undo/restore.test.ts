import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseRestored, saveScript } from '../../../src/undo/hosts.ts';
import type { UndoKey } from '../../../src/undo/kinds/contract.ts';
import { ALWAYS, keysOfChange, keysOfRequest, mergeKeys } from '../../../src/undo/keys.ts';
import { renderUndoScript } from '../../../src/undo/script/script.ts';

const RUN = '20261123-182404-3f9a';
const SHELLS = [['dash'], ['busybox', 'sh']] as const;

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-undo-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const file = (name: string): readonly UndoKey[] => keysOfRequest({ fact: { name: 'content' }, key: `${root}/a/${name}` });
const sysctl = (name: string): readonly UndoKey[] => keysOfRequest({ fact: { name: 'sysctl' }, key: name });

/** A network of its own, with what a host has; then all that a run may do to it. */
const SETUP = `cd "$R" && mkdir -p a/dir a/tree/sub
mount -t sysfs sys /sys
ip link set lo up; ip link add eth7 type bridge; ip link set eth7 up
ip address add 10.7.0.1/24 brd + dev eth7; ip address add 10.7.0.2/24 dev eth7; ip address add fd00::1/64 dev eth7 nodad
ip route add default via 10.7.0.254; ip route add 10.9.0.0/16 via 10.7.0.253 metric 5; ip -6 route add default via fd00::fe
echo one >a/file; chown 5:6 a/file; chmod 4640 a/file; ln -s nowhere a/link; chmod 2750 a/dir; echo t >a/tree/sub/x; printf odd >"a/it's
odd"`;
const CHANGE = `mkdir a/new; echo n >a/new/file; echo more >a/new/other; echo two >a/file; chmod 600 a/file; chown 0:0 a/file
rm a/link; mkdir a/link; echo z >a/link/z; rmdir a/dir; echo x >a/dir; rm -r a/tree; echo changed >"a/it's
odd"
echo 1 >/proc/sys/net/ipv4/ip_forward; for file in /proc/sys/net/ipv4/conf/*/send_redirects; do echo 0 >$file; done
ip route delete default; ip address delete 10.7.0.1/24 dev eth7; ip address add 10.7.0.9/24 dev eth7; ip route add default via 10.7.0.200; ip link set eth7 down`;
const FACTS = `(cd a; find . -exec stat -c '%n %f %u %g %s' {} +; find . -type f -exec sha256sum {} +; readlink link)
ip address show | sed 's/valid_lft.*//'; ip -4 route show table all; ip -6 route show table all | grep -v -e fe80 -e ^multicast
cat /proc/sys/net/ipv4/ip_forward; grep -H '' /proc/sys/net/ipv4/conf/*/send_redirects /proc/sys/net/ipv4/conf/*/forwarding`;

describe.each(SHELLS)('under %s', (...shell) => {
  it('what was saved comes back: files, links, directories, kernel parameters, addresses, routes, links that are down', () => {
    const keys = mergeKeys([], [
      ...['new/file', 'file', "it's\nodd", 'link', 'dir'].flatMap(file),
      ...keysOfChange({ path: `${root}/a/tree`, before: 'directory', after: null }),
      ...sysctl('net.ipv4.ip_forward'),
      ...sysctl('net.ipv4.conf.*.send_redirects'),
      { kind: 'address', key: '*' },
      { kind: 'route', key: '4' },
      { kind: 'route', key: '6' },
      ...ALWAYS,
    ]);
    const record = { version: 1, run: RUN, host: 'h1', hosts: ['h1'], keys, unitFiles: {}, commands: [] } as const;
    writeFileSync(path.join(root, 'save'), saveScript({ run: RUN, keys, unitFiles: new Map() }, record, 'END-OF-TEXT', undefined, root));
    const sh = shell.join(' ');
    const script = `R=${root}; U=$R/runs/${RUN}/undo\n${SETUP}\nfacts() { ${FACTS}\n}\nfacts >before\n${sh} save\n${CHANGE}\nfacts >changed\n${sh} $U note\n${sh} $U restore rollback\nfacts >after\n${sh} $U restore rollback\n`;
    const done = spawnSync('unshare', ['-mn', 'dash', '-c', script], { encoding: 'utf8' });
    const read = (name: string): string => execFileSync('cat', [path.join(root, name)], { encoding: 'utf8' });
    expect(read('changed'), done.stderr).not.toBe(read('before'));
    expect(read('after'), done.stdout + done.stderr).toBe(read('before'));
    expect(parseRestored(done.stdout)).toMatchObject({ result: 'restored', by: 'rollback', problems: [] });
  });
});

describe('the script', () => {
  const kinds: readonly UndoKey[] = [
    ...keysOfRequest({ fact: { name: 'content' }, key: "/etc/it's $(odd)" }),
    ...keysOfRequest({ fact: { name: 'unit' }, key: 'keepalived.service' }),
    ...keysOfRequest({ fact: { name: 'package' }, key: 'nginx' }),
    ...keysOfRequest({ fact: { name: 'firewall' }, key: 'rules' }),
    ...['fou 4 6080', 'link lvs_gre', 'mss 192.168.0.38 1440'].flatMap((key) => keysOfRequest({ fact: { name: 'tunnel' }, key })),
    ...keysOfRequest({ fact: { name: 'address' }, key: 'eth0' }),
    ...sysctl('net.ipv4.vs.conn_reuse_mode'),
    ...keysOfChange({ path: 'ipvs FWM 7 IPv6 10.0.0.1:80', before: null, after: '-w 1' }),
    ...keysOfChange({ path: '/var/lib/lvs-play/drain-flags', before: null, after: 'directory' }),
    ...keysOfChange({ path: '/var/lib/lvs-play/drain-flags/rs1', before: '0', after: '1' }),
    ...keysOfChange({ path: 'ipvs time-outs', before: null, after: [1, 2, 3] }),
    ...ALWAYS,
  ];

  it('can be read by every shell, with every kind in it', () => {
    const text = renderUndoScript({ run: RUN, keys: mergeKeys([], kinds), unitFiles: new Map([['keepalived.service', ["/etc/it's $(odd)"]]]) }, root);
    for (const [program, ...args] of SHELLS) {
      const { stderr, status } = spawnSync(program, [...args, '-n'], { input: text, encoding: 'utf8' });
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    }
  });

  it('never runs what was saved', () => {
    const keys = mergeKeys([], file('file'));
    mkdirSync(path.join(root, `runs/${RUN}/before`), { recursive: true });
    mkdirSync(path.join(root, 'a'));
    writeFileSync(path.join(root, `runs/${RUN}/undo`), renderUndoScript({ run: RUN, keys, unitFiles: new Map() }, root));
    writeFileSync(path.join(root, `runs/${RUN}/before/state`), `0 $(touch ${root}/ran)\`touch ${root}/ran\`"; touch ${root}/ran; "\n0;touch ${root}/ran x\n`);
    spawnSync('dash', [path.join(root, `runs/${RUN}/undo`), 'restore', 'rollback']);
    expect(spawnSync('ls', [path.join(root, 'ran')]).status).not.toBe(0);
  });
});

it('later keys never move earlier ones: their places are their numbers on the host', () => {
  const first = mergeKeys([], file('x'));
  expect(mergeKeys(first, [...file('w'), ...file('x')]).slice(0, first.length)).toEqual(first);
});
