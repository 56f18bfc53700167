import { describe, expect, it } from 'vitest';
import { checksDocument, checksTable } from '../../../src/lab/doctor/doctor.ts';
import type { Findings } from '../../../src/lab/doctor/findings.ts';
import { gather } from '../../../src/lab/doctor/gather.ts';
import { judge } from '../../../src/lab/doctor/judge.ts';
import { ofGroup, ofMachine } from '../../../src/lab/doctor/memory.ts';
import { trialArguments } from '../../../src/lab/doctor/trial.ts';

const MIB = 1048576;
const WANTED = { nodes: 4, memory: 640 * MIB };
const DISK = { path: '/root/.local/state/lvs-play/labs', freeBytes: 10_000 * MIB, noexec: false, readOnly: false, device: 1 };
const SHM = { path: '/dev/shm', freeBytes: 4000 * MIB, noexec: false, readOnly: false, device: 2 };
const NARROW = { bytes: 2440, wide: false, pretended: false };
const WORKED = { failed: undefined };
const GOOD: Findings = {
  architecture: 'x64', root: true, capabilities: (1n << 41n) - 1n, namespaces: WORKED, tap: WORKED, bridge: WORKED, missing: [], registers: NARROW, compiler: undefined,
  trial: { console: 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000000\n', ended: true },
  shm: SHM, state: DISK, cache: DISK, imageBuilt: false, memory: 8000 * MIB, apt: [{ source: 'http://deb.debian.org/debian bookworm', failed: undefined }],
};
const PRETENDED = { bytes: 11_008, wide: true, pretended: true };

const SMALL_SHM = { ...SHM, freeBytes: 64 * MIB };
const FULL_DISK = { ...DISK, freeBytes: 200 * MIB };

/** What is other than good, which check says so, and with what fix; undefined: it is still ok. */
const LACKS: readonly (readonly [what: string, found: Partial<Findings>, name: string, says: RegExp, fix: RegExp | undefined])[] = [
  ['another architecture', { architecture: 'arm64' }, 'machine', /arm64/, /x86-64/],
  ['an ordinary user', { root: false, namespaces: undefined, tap: undefined, bridge: undefined, trial: undefined }, 'privileges', /^not root$/, /with sudo/],
  ['a container without capabilities', { capabilities: ((1n << 41n) - 1n) & ~(1n << 12n) & ~(1n << 21n) }, 'privileges', /without CAP_NET_ADMIN, CAP_SYS_ADMIN$/, /--privileged/],
  ['no namespaces', { namespaces: { failed: 'unshare: unshare failed: Operation not permitted' } }, 'namespaces', /Operation not permitted/, /--privileged/],
  ['no tun', { tap: { failed: 'missing' } }, '/dev/net/tun', /^missing$/, /modprobe tun/],
  ['no bridge', { bridge: { failed: 'RTNETLINK answers: Operation not supported' } }, 'bridge', /not supported/, /modprobe bridge/],
  ['programs', { missing: ['linux.uml', 'ssh', 'ssh-keygen'] }, 'packages', /^missing: linux\.uml, ssh, ssh-keygen$/, /^apt-get install user-mode-linux openssh-client$/],
  ['programs, as an ordinary user', { root: false, missing: ['mmdebstrap'] }, 'packages', /mmdebstrap/, /^as root: apt-get install mmdebstrap$/],
  ['a compiler, with AMX', { registers: { bytes: 11_016, wide: true, pretended: false } }, 'CPU state', /^about 11016 bytes, more than the 2696 .* no compiler/, /^apt-get install tcc$/],
  ['nothing, without AMX, with a compiler', { registers: { bytes: 2440, wide: false, pretended: false }, compiler: 'cc' }, 'CPU state', /within the 2696 .*a library sets it faster \(cc\)/, undefined],
  ['nothing, with AMX and a compiler', { registers: { bytes: 11_016, wide: true, pretended: false }, compiler: 'tcc' }, 'CPU state', /a library widens it \(tcc\)/, undefined],
  ['nothing, with the library forced', { registers: PRETENDED, compiler: 'cc' }, 'CPU state', /pretended to be 11008 bytes/, undefined],
  ['ptrace', { trial: { console: 'ptrace: Operation not permitted\ncheck_ptrace : expected SIGSTOP, got status = 9\n', ended: true } }, 'ptrace', /forbids ptrace.* \(check_ptrace : expected SIGSTOP/, /SYS_PTRACE/],
  ['registers that can be restored', { trial: { console: 'userspace - ptrace set fp regs failed, errno = 14\nKernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b\n', ended: true } }, 'ptrace', /more register state/, /install tcc/],
  ['a program that ends', { trial: { console: '', ended: false } }, 'ptrace', /cannot run a program/, /dmesg/],
  ['a compiler that works', { trial: { console: '', ended: true, notStarted: { what: 'tcc cannot compile the library', fix: 'apt-get install --reinstall tcc' } } }, 'ptrace', /^not tried: tcc cannot compile/, /reinstall tcc/],
  ['memory', { memory: 500 * MIB }, 'memory', /^500 MB available, 640 MB for 4 nodes$/, /lab_memory/],
  ['nothing, with a small /dev/shm', { shm: SMALL_SHM }, '/dev/shm', /64 MB free, 640 MB for 4 nodes; the nodes' memory lies in .*labs instead/, undefined],
  ['nothing, with /dev/shm as Docker mounts it', { shm: { ...SHM, noexec: true } }, '/dev/shm', /mounted noexec; the nodes' memory lies in/, undefined],
  ['room for memory', { shm: SMALL_SHM, state: FULL_DISK }, '/dev/shm', /64 MB free/, /^mount -o remount,size=704M \/dev\/shm; docker run has --shm-size$/],
  ['a place that programs run from', { shm: { ...SHM, noexec: true }, state: { ...DISK, noexec: true } }, '/dev/shm', /mounted noexec$/, /^mount -o remount,exec \/dev\/shm$/],
  ['/dev/shm, and a disk', { shm: undefined, state: FULL_DISK }, '/dev/shm', /missing/, /^mount -t tmpfs/],
  ['disk', { state: FULL_DISK, cache: FULL_DISK }, 'disk', /200 MB free .* 1900 MB needed$/, /free space/],
  ['nothing, with an image there', { state: { ...DISK, freeBytes: 500 * MIB }, cache: { ...DISK, freeBytes: 500 * MIB }, imageBuilt: true }, 'disk', /400 MB needed$/, undefined],
  ['disk for images, on another file system', { cache: { ...FULL_DISK, path: '/cache', device: 9 } }, 'disk of images', /200 MB free for \/cache, 1500 MB needed/, /XDG_CACHE_HOME/],
  ['a disk that can be written', { state: { ...DISK, readOnly: true } }, 'disk', /read-only/, /XDG_STATE_HOME/],
  ['archives', { apt: [{ source: 'http://deb.debian.org/debian bookworm', failed: 'Could not resolve host' }] }, 'apt sources', /^http:\/\/deb\.debian\.org\/debian bookworm: Could not resolve host$/, /apt-get update/],
  ['nothing, as the image is there', { imageBuilt: true, apt: [{ source: 'http://deb.debian.org/debian bookworm', failed: 'Could not resolve host' }] }, 'apt sources', /the image is built already/, undefined],
];

describe('what a lab needs', () => {
  it('is all there', () => {
    expect(judge(GOOD, WANTED).map(({ name, ok }) => [name, ok])).toEqual(['machine', 'privileges', 'namespaces', '/dev/net/tun', 'bridge', 'packages', 'CPU state', 'ptrace', 'memory', '/dev/shm', 'disk', 'apt sources'].map((name) => [name, true]));
  });

  it.each(LACKS)('is told when it lacks %s', (_, found, name, says, fix) => {
    const checks = judge({ ...GOOD, ...found }, WANTED);
    const check = checks.find((each) => each.name === name);
    expect(check?.found).toMatch(says);
    expect(check?.ok).toBe(fix === undefined);
    if (fix !== undefined) expect(check?.fix).toMatch(fix);
    // Each that is not ok has a fix, and none that is.
    for (const each of checks) expect(each.fix === undefined, each.name).toBe(each.ok);
  });

  it('that was not tried is left out, not called ok', () => {
    const names = judge({ ...GOOD, namespaces: undefined, tap: undefined, bridge: undefined, trial: undefined, apt: undefined }, WANTED).map(({ name }) => name);
    expect(names).toEqual(['machine', 'privileges', 'packages', 'CPU state', 'memory', '/dev/shm', 'disk']);
  });

  it('is a table for people, and a document for set-up', () => {
    const checks = judge({ ...GOOD, missing: ['linux.uml'], registers: { ...PRETENDED, pretended: false } }, WANTED);
    expect(checksTable(checks)).toContain("FAIL  packages      missing: linux.uml\n                    fix: apt-get install user-mode-linux\n");
    expect(checksTable(judge(GOOD, WANTED))).toMatch(/^ok {4}machine {7}x86-64\nok {4}privileges {4}root\n/);
    expect(checksDocument(checks)).toMatchObject({ version: 1, ok: false, install: ['user-mode-linux', 'tcc'] });
    expect(checksDocument(judge(GOOD, WANTED))).toMatchObject({ ok: true, install: [] });
  });
});

describe('memory', () => {
  it('is what the machine has and the container leaves', () => {
    expect(ofMachine('MemTotal:  100 kB\nMemAvailable:    2000 kB\nSwapFree:  48 kB\n')).toBe(2048 * 1024);
    expect(ofGroup('max\n', '5\n', '')).toBe(Infinity);
    expect(ofGroup('', '', '')).toBe(Infinity);
    expect(ofGroup('1000\n', '700\n', 'anon 100\ninactive_file 50\nactive_file 25\nshmem 500\n')).toBe(375);
  });
});

describe('this machine', () => {
  it('is looked at, and a kernel is tried on it', async () => {
    const found = await gather('whole');
    expect(found).toMatchObject({ architecture: 'x64', root: true, missing: [], namespaces: WORKED, tap: WORKED, bridge: WORKED });
    expect(found.trial?.console).toMatch(/Attempted to kill init! exitcode=0x00000000/);
    expect(found.memory).toBeGreaterThan(0);
    expect(found.apt).not.toEqual([]);
    // An archive may be out of reach, and is waited for.
  }, 120_000);

  it('is not written to by the trial', () => {
    expect(trialArguments('/dir')).toContain('ro');
    expect(trialArguments('/dir')).not.toContain('rw');
  });
});
