import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressFact } from '../../../src/facts/network/address.ts';
import { contentFact, contentOf } from '../../../src/facts/files/content.ts';
import type { Json } from '../../../src/core/json.ts';
import { type FactDef, request } from '../../../src/facts/contract.ts';
import { fileFact } from '../../../src/facts/files/file.ts';
import { gatherScript, parseGather } from '../../../src/facts/gather.ts';
import { packageFact } from '../../../src/facts/system/package.ts';
import { sysctlFact, sysctlPath } from '../../../src/facts/system/sysctl.ts';
import { unitFact, unitName } from '../../../src/facts/system/unit.ts';

const SHELLS = [
  ['dash', []],
  ['busybox', ['sh']],
] as const;

let dir: string;
const at = (name: string) => path.join(dir, name);

beforeAll(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), "lvs play'facts-"));
  writeFileSync(at('plain'), 'text\n');
  chmodSync(at('plain'), 0o640);
  writeFileSync(at('no newline'), 'x');
  writeFileSync(at('empty'), '');
  writeFileSync(at('binary'), Buffer.from([0, 255, 10, 1]));
  writeFileSync(at('large'), 'y'.repeat(300_000));
  writeFileSync(at('new\nline "$(touch pwned)'), 'odd\n');
  symlinkSync('plain', at('link'));
  symlinkSync('nowhere', at('dangling'));
});

afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe.each(SHELLS)('real scripts under %s', (program, args) => {
  const ask = <V extends Json>(fact: FactDef<V>, keys: string[]) => {
    const requests = keys.map((key) => request(fact, key)) as never[];
    const output = execFileSync(program, [...args, '-c', gatherScript(requests, 'cafe')], { maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'inherit'] });
    const reader = parseGather(output, requests, 'cafe').reader(requests);
    return Object.fromEntries(keys.map((key) => [key, reader.get(fact, key)]));
  };

  it('reads types, modes and owners', () => {
    const keys = ['plain', 'link', 'dangling', 'missing', 'new\nline "$(touch pwned)', ''].map(at);
    const found = ask(fileFact, keys);
    expect(found[at('plain')]).toEqual({ type: 'file', mode: '0640', owner: 'root', group: 'root' });
    expect(found[at('link')]).toMatchObject({ type: 'link', target: 'plain' });
    expect(found[at('dangling')]).toMatchObject({ type: 'link', target: 'nowhere' });
    expect(found[at('missing')]).toMatchObject({ type: 'absent' });
    expect(found[at('new\nline "$(touch pwned)')]).toMatchObject({ type: 'file' });
    expect(found[at('')]).toMatchObject({ type: 'directory' });
  });

  it('reads contents byte for byte', () => {
    const found = ask(contentFact, ['plain', 'no newline', 'empty', 'binary', 'large', 'new\nline "$(touch pwned)', 'link', 'missing', ''].map(at));
    expect(found[at('plain')]).toEqual(contentOf(Buffer.from('text\n')));
    expect(found[at('no newline')]).toEqual(contentOf(Buffer.from('x')));
    expect(found[at('empty')]).toEqual(contentOf(Buffer.alloc(0)));
    expect(found[at('binary')]).toEqual(contentOf(Buffer.from([0, 255, 10, 1])));
    expect(found[at('large')]).toEqual(contentOf(Buffer.from('y'.repeat(300_000))));
    expect(found[at('new\nline "$(touch pwned)')]).toMatchObject({ text: 'odd\n' });
    expect(found[at('link')]).toMatchObject({ text: 'text\n' });
    expect(found[at('missing')]).toMatchObject({ state: 'absent' });
    expect(found[at('')]).toMatchObject({ state: 'other' });
  });

  it('reads kernel parameters, addresses and packages of this machine', () => {
    expect(ask(sysctlFact, ['kernel.ostype', 'net.ipv4.no_such_thing', 'net.ipv4.ip_local_port_range', 'net.ipv4.conf.*.tag', 'net.ipv4.conf.*.none'])).toMatchObject({
      'kernel.ostype': 'Linux',
      'net.ipv4.conf.*.tag': '0',
      'net.ipv4.conf.*.none': null,
      'net.ipv4.no_such_thing': null,
      'net.ipv4.ip_local_port_range': expect.stringMatching(/^\d+ \d+$/) as string,
    });
    expect(ask(addressFact, ['lo', 'eth99'])).toEqual({ lo: { exists: true, addresses: expect.arrayContaining(['127.0.0.1/8']) as string[] }, eth99: { exists: false, addresses: [] } });
    const packages = ask(packageFact, ['dpkg', 'no-such-package-at-all']);
    expect(packages['dpkg']).toMatchObject({ state: 'installed', installed: expect.stringMatching(/^1\./) as string });
    expect(packages['no-such-package-at-all']).toMatchObject({ installed: null, candidate: null, state: 'absent', problem: null });
  });
});

describe('parsing', () => {
  it('reads dpkg and apt', () => {
    const output = 'nginx\tii \t1.22\nhalf\tiF \t2\nold\trc \t3\n--- lists fresh\n--- policy\nkeepalived:\n  Installed: (none)\n  Candidate: 1:2.2.7-1+b2\n  Version table:\n     1:2.2.7-1+b2 500\nold:\n  Installed: (none)\n  Candidate: 4\n';
    const absent = { installed: null, candidate: null, state: 'absent', held: false, lists: 'fresh', problem: null };
    expect(Object.fromEntries(packageFact.parse(Buffer.from(output), ['nginx', 'half', 'old', 'keepalived', 'ghost']))).toEqual({
      nginx: { ...absent, installed: '1.22', candidate: '1.22', state: 'installed', lists: null },
      half: { ...absent, state: 'broken' },
      old: { ...absent, candidate: '4' },
      keepalived: { ...absent, candidate: '1:2.2.7-1+b2' },
      ghost: absent,
    });
  });

  it('reads systemd, also of a unit that does not exist', () => {
    const output = 'Id=nginx.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n\nId=x.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no\n';
    expect(Object.fromEntries(unitFact.parse(Buffer.from(output), ['nginx.service', 'x.service']))).toEqual({
      'nginx.service': { exists: true, active: true, enabled: 'enabled', needsReload: false },
      'x.service': { exists: false, active: false, enabled: '', needsReload: false },
    });
    expect(() => unitFact.parse(Buffer.from(''), ['a.service'])).toThrow(/systemd/);
  });

  it('tells every value that a parameter of all interfaces has', () => {
    const output = ['all:0', 'eth0.5:1', 'lo:0'].map((line) => `/proc/sys/net/ipv4/conf/${line.replace(':', '/send_redirects:')}\n`).join('');
    const key = 'net.ipv4.conf.*.send_redirects';
    expect(sysctlFact.parse(Buffer.from(output), [key, 'net.ipv4.conf.lo.send_redirects', 'net.ipv4.*.send_redirects'])).toEqual(new Map([[key, '0,1'], ['net.ipv4.conf.lo.send_redirects', '0'], ['net.ipv4.*.send_redirects', null]]));
  });

  it.each([
    ['net.ipv4.ip_forward', '/proc/sys/net/ipv4/ip_forward'],
    ['net/ipv4/conf/eth0.5/arp_ignore', '/proc/sys/net/ipv4/conf/eth0.5/arp_ignore'],
    ['net.ipv4.conf.eth0/5.arp_ignore', '/proc/sys/net/ipv4/conf/eth0.5/arp_ignore'],
  ])('%s is %s', (key, file) => {
    expect(sysctlPath(key)).toBe(file);
  });

  it('completes unit names', () => {
    expect(['nginx', 'x.timer', 'a.b'].map(unitName)).toEqual(['nginx.service', 'x.timer', 'a.b.service']);
  });
});
