import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { decideHostKey } from '../../../src/transport/known-hosts/host-key.ts';
import type { StrictHostKeyChecking } from '../../../src/transport/known-hosts/host-key.ts';
import { KnownHostsStore } from '../../../src/transport/known-hosts/store.ts';
import { entriesFor, fingerprint, judgeHostKey, knownHostsLine, knownHostsName, parseKnownHosts } from '../../../src/transport/known-hosts/known-hosts.ts';
import type { HostKey, KnownHostVerdict } from '../../../src/transport/known-hosts/known-hosts.ts';
import { keygen, removeDir, tempDir } from './sshd.ts';

const dir = tempDir();
afterAll(() => {
  removeDir(dir);
});

function publicKey(name: string, type = 'ed25519'): { text: string; key: HostKey; path: string } {
  const path = `${keygen(join(dir, name), type)}.pub`;
  const [keyType = '', base64 = ''] = readFileSync(path, 'utf8').split(' ');
  return { text: `${keyType} ${base64}`, key: { type: keyType, blob: Buffer.from(base64, 'base64') }, path };
}

const one = publicKey('one');
const two = publicKey('two');
const rsa = publicKey('rsa', 'rsa');

function judge(text: string, name: string, key: HostKey, bare?: string): KnownHostVerdict['kind'] {
  return judgeHostKey(parseKnownHosts(text, 'f'), name, key, bare).kind;
}

describe('judgeHostKey', () => {
  it.each([
    ['plain', `web ${one.text}`, 'web', 'match'],
    ['a list', `a,web,b ${one.text}`, 'web', 'match'],
    ['tabs and a comment', `web\t${one.text} someone@here`, 'web', 'match'],
    ['CRLF', `web ${one.text}\r\n`, 'web', 'match'],
    ['upper case in the file', `WEB ${one.text}`, 'web', 'match'],
    ['another name', `webb ${one.text}`, 'web', 'unknown'],
    ['a star', `*.example.com ${one.text}`, 'a.example.com', 'match'],
    ['a star needs the dot', `*.example.com ${one.text}`, 'example.com', 'unknown'],
    ['a question mark', `web? ${one.text}`, 'web1', 'match'],
    ['negated', `!web1,web* ${one.text}`, 'web1', 'unknown'],
    ['negated after', `web*,!web1 ${one.text}`, 'web1', 'unknown'],
    ['only negated', `!web1 ${one.text}`, 'web2', 'unknown'],
    ['a port', `[web]:2222 ${one.text}`, '[web]:2222', 'match'],
    ['another port', `[web]:2223 ${one.text}`, '[web]:2222', 'unknown'],
    ['a dot is a dot', `a.b ${one.text}`, 'axb', 'unknown'],
    ['another key', `web ${two.text}`, 'web', 'mismatch'],
    ['one of two keys', `web ${two.text}\nweb ${one.text}`, 'web', 'match'],
    ['another type', `web ${rsa.text}`, 'web', 'other-key-type'],
    ['revoked', `@revoked web ${one.text}`, 'web', 'revoked'],
    ['revoked everywhere, and known', `web ${one.text}\n@revoked * ${one.text}`, 'web', 'revoked'],
    ['another key revoked', `web ${one.text}\n@revoked * ${two.text}`, 'web', 'match'],
    ['an authority', `@cert-authority *.example.com ${two.text}`, 'a.example.com', 'ca-only'],
    ['an authority whose own key is shown', `@cert-authority web ${one.text}`, 'web', 'ca-only'],
    ['an unknown marker', `@other web ${one.text}`, 'web', 'unknown'],
    ['a comment', `#web ${one.text}`, 'web', 'unknown'],
    ['a broken key', 'web ssh-ed25519 AAAA', 'web', 'unknown'],
    ['a key of another type than it says', `web ssh-rsa ${one.text.split(' ')[1] ?? ''}`, 'web', 'unknown'],
    ['too few words', 'web ssh-ed25519', 'web', 'unknown'],
    ['empty', '', 'web', 'unknown'],
  ])('%s', (_case, text, name, kind) => {
    expect(judge(text, name, one.key)).toBe(kind);
  });

  it.each([
    [`web ${one.text}`, 'match'],
    [`web ${two.text}`, 'unknown'],
    [`@revoked web ${one.text}`, 'revoked'],
    [`web ${one.text}\n[web]:2222 ${two.text}`, 'mismatch'],
  ])('takes the bare name only in favour of a host at another port %#', (text, kind) => {
    expect(judge(text, '[web]:2222', one.key, 'web')).toBe(kind);
  });

  it('says where', () => {
    expect(judgeHostKey(parseKnownHosts(`# x\n\nweb ${one.text}\n`, '/k'), 'web', one.key)).toMatchObject({ kind: 'match', entry: { file: '/k', line: 3 } });
  });

  it('reads what it writes, hashed or not', () => {
    fc.assert(
      fc.property(fc.domain(), fc.integer({ min: 1, max: 65535 }), fc.boolean(), (host, port, hashed) => {
        const name = knownHostsName(host, port);
        expect(judge(knownHostsLine(name, one.key, hashed), name, one.key)).toBe('match');
        expect(judge(knownHostsLine(name, one.key, hashed), `x${name}`, one.key)).toBe('unknown');
      }),
      { numRuns: 50 },
    );
  });
});

describe('against ssh-keygen', () => {
  const patterns = ['web1', 'web2', '*.example.com', 'a.example.com', '!a.example.com,*.example.com', '[web1]:2222', '[*]:2222', 'web?', '10.0.0.1,web1', '!web1,web*', '2001:db8::1', '*', 'WEB1'];
  const names = ['web1', 'web2', 'web10', 'a.example.com', 'b.example.com', '[web1]:2222', '[a.example.com]:2222', '10.0.0.1', '2001:db8::1', 'none'];

  function found(file: string, name: string): number[] {
    const { stdout } = spawnSync('ssh-keygen', ['-f', file, '-F', name], { encoding: 'utf8' });
    return [...stdout.matchAll(/^# Host .* found: line (\d+)/gm)].map((match) => Number(match[1]));
  }

  function ours(file: string, name: string): number[] {
    return entriesFor(parseKnownHosts(readFileSync(file, 'utf8'), file), name).map(({ line }) => line);
  }

  it('finds the same lines', () => {
    const file = join(dir, 'patterns');
    writeFileSync(file, patterns.map((pattern, index) => `${pattern} ${index % 2 === 0 ? one.text : rsa.text}\n`).join(''));
    for (const name of names) expect([name, ours(file, name)]).toEqual([name, found(file, name)]);
  });

  it('finds the same lines when hashed by ssh-keygen -H', () => {
    const file = join(dir, 'hashed');
    writeFileSync(file, ['web1', '[web1]:2222', '10.0.0.1', 'a.example.com', '2001:db8::1'].map((name) => `${name} ${one.text}\n`).join(''));
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    expect(readFileSync(file, 'utf8')).not.toContain('web1');
    for (const name of names) expect([name, ours(file, name)]).toEqual([name, found(file, name)]);
  });

  it('has its hashed lines found', () => {
    const file = join(dir, 'written');
    writeFileSync(file, names.map((name) => `${knownHostsLine(name, one.key, true)}\n`).join(''));
    names.forEach((name, index) => {
      expect(found(file, name)).toEqual([index + 1]);
    });
  });

  it('computes the same fingerprint', () => {
    for (const { key, path } of [one, two, rsa]) expect(execFileSync('ssh-keygen', ['-lf', path]).toString()).toContain(` ${fingerprint(key.blob)} `);
  });
});

describe('decideHostKey', () => {
  const question = { host: 'rs1', name: '[web]:2222', address: 'web', port: 2222, key: one.key, file: '/home/u/.ssh/known_hosts' };
  const entry = parseKnownHosts(`\nweb ${two.text}`, '/k')[0]!;
  const verdicts: Readonly<Record<KnownHostVerdict['kind'], KnownHostVerdict>> = {
    match: { kind: 'match', entry },
    mismatch: { kind: 'mismatch', known: [entry] },
    'other-key-type': { kind: 'other-key-type', known: [entry] },
    revoked: { kind: 'revoked', entry },
    'ca-only': { kind: 'ca-only', entry },
    unknown: { kind: 'unknown' },
  };

  it.each<[KnownHostVerdict['kind'], Readonly<Record<StrictHostKeyChecking, string>>]>([
    ['match', { yes: 'accept', ask: 'accept', 'accept-new': 'accept', no: 'accept' }],
    ['unknown', { yes: 'host-key-unknown', ask: 'host-key-unknown', 'accept-new': 'remember', no: 'remember' }],
    ['mismatch', { yes: 'host-key-changed', ask: 'host-key-changed', 'accept-new': 'host-key-changed', no: 'warn' }],
    ['other-key-type', { yes: 'host-key-other-type', ask: 'host-key-other-type', 'accept-new': 'host-key-other-type', no: 'warn' }],
    ['revoked', { yes: 'host-key-revoked', ask: 'host-key-revoked', 'accept-new': 'host-key-revoked', no: 'host-key-revoked' }],
    ['ca-only', { yes: 'host-key-ca-only', ask: 'host-key-ca-only', 'accept-new': 'host-key-ca-only', no: 'warn' }],
  ])('%s', (kind, expected) => {
    for (const strict of ['yes', 'ask', 'accept-new', 'no'] as const) {
      const decision = decideHostKey(verdicts[kind], strict, question);
      if (decision.action === 'refuse') {
        expect([strict, decision.error.code]).toEqual([strict, expected[strict]]);
        expect(decision.error).toMatchObject({ kind: 'unreachable', host: 'rs1' });
        expect(decision.error.message).toContain(fingerprint(one.key.blob));
        expect(decision.error.message + (decision.error.hint ?? '')).not.toContain('\n');
      } else {
        expect([strict, decision.warning !== undefined ? 'warn' : decision.remember ? 'remember' : 'accept']).toEqual([strict, expected[strict]]);
      }
    }
  });

  it('shows both fingerprints, and the line', () => {
    const decision = decideHostKey(verdicts.mismatch, 'ask', question);
    expect(decision).toMatchObject({ error: { message: `rs1: HOST KEY CHANGED: the host key of [web]:2222 (ED25519 ${fingerprint(one.key.blob)}) is not the one that is known: ED25519 ${fingerprint(two.key.blob)} in /k:2` } });
  });
});

describe('KnownHostsStore', () => {
  it('appends lines whole, from many hosts at once, after a last line without its end', async () => {
    const file = join(dir, 'append');
    writeFileSync(file, `first ${one.text}`);
    const store = new KnownHostsStore();
    expect(await store.entries([file, join(dir, 'missing')])).toHaveLength(1);
    await Promise.all(Array.from({ length: 20 }, (_, index) => store.append(file, `host${String(index)} ${two.text}`)));
    const entries = await store.entries([file]);
    expect(entries).toHaveLength(21);
    expect(readFileSync(file, 'utf8')).toMatch(/^first .*\nhost0 /);
  });

  it('reports a file that cannot be written', async () => {
    await expect(new KnownHostsStore().append('/proc/nowhere/known_hosts', `a ${one.text}`)).rejects.toThrow();
  });
});
