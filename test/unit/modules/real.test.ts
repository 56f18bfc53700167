import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { shellQuote } from '../../../src/core/text/quote.ts';
import type { FactRequest } from '../../../src/facts/contract.ts';
import { gatherScript, parseGather } from '../../../src/facts/gather.ts';
import type { FactStore } from '../../../src/facts/store.ts';
import { parseOutcomes, type ParsedOutcomes, renderSteps } from '../../../src/modules/render-steps.ts';
import { loadModule } from '../../../src/modules/registry.ts';
import { contextOf, controllerFiles, play } from './support.ts';

/**
 * Modules carried out for real in a directory of their own: what a plan predicts is what the host says afterwards, and then there is nothing
 * left to do.
 */
const NONCE = 'feedfacecafe';

let applets: string;
let dir: string;

beforeAll(() => {
  applets = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-applets-'));
  execFileSync('busybox', ['--install', '-s', applets]);
});

afterAll(() => {
  rmSync(applets, { recursive: true, force: true });
});

beforeEach(() => {
  // Every path has a blank, a quote and a newline in it.
  dir = mkdtempSync(path.join(os.tmpdir(), "lvs play's\nfiles-"));
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const at = (name: string): string => path.join(dir, name);

interface Host {
  readonly name: string;
  readonly argv: () => readonly [string, ...string[]];
  readonly path: () => string;
}

const HOSTS: readonly Host[] = [
  { name: 'dash', argv: () => ['dash'], path: () => process.env['PATH'] ?? '' },
  { name: 'busybox sh', argv: () => ['busybox', 'sh'], path: () => process.env['PATH'] ?? '' },
  // Nothing but what busybox brings.
  { name: 'busybox alone', argv: () => [path.join(applets, 'sh')], path: () => applets },
];

function run(host: Host, script: string): { stdout: Buffer; stderr: Buffer } {
  const [program, ...args] = host.argv();
  // As over the channel: one word for eval, with nothing on its stdin.
  const input = `umask 022\nscript=${shellQuote(script)}\n( eval "$script" ) </dev/null\n`;
  const done = spawnSync(program, args, { input, env: { PATH: host.path(), LC_ALL: 'C' }, maxBuffer: 1 << 26 });
  if (done.error !== undefined) throw done.error;
  return { stdout: done.stdout, stderr: done.stderr };
}

function gather(host: Host, requests: readonly FactRequest[]): FactStore {
  const reply = run(host, gatherScript(requests, NONCE));
  expect(reply.stderr.toString()).toBe('');
  return parseGather(reply.stdout, requests, NONCE);
}

function answers(store: FactStore, requests: readonly FactRequest[]): Record<string, Json> {
  const reader = store.reader(requests);
  return Object.fromEntries(requests.map(({ fact, key }) => [`${fact.name} ${key}`, reader.get(fact, key)]));
}

/** Facts, difference, steps, facts again: the law itself is checked for every use. */
async function carryOut(host: Host, name: string, args: JsonObject): Promise<ParsedOutcomes & { readonly paths: readonly string[] }> {
  const module = await loadModule(name);
  const context = contextOf('rs1');
  const resolved = module.resolve === undefined ? args : await module.resolve(args, controllerFiles);
  const requests = module.facts(resolved, context);
  const session = await play(module, args, gather(host, requests), context);
  const done = parseOutcomes(run(host, renderSteps(session.steps, NONCE)), session.steps, NONCE);
  if (done.failed === undefined) {
    const now = gather(host, requests);
    expect(answers(now, requests), 'the facts are those predicted').toEqual(answers(session.next, requests));
    expect(session.diff(now), 'nothing is left to do').toEqual([]);
  }
  return { ...done, paths: session.changes.map((change) => change.path) };
}

/** The only answer of a step that failed. */
function refusal(done: ParsedOutcomes): string {
  expect(done.failed).toBeDefined();
  return done.outcomes.at(-1)?.stderr ?? '';
}

const succeeds = async (host: Host, name: string, args: JsonObject): Promise<readonly string[]> => {
  const done = await carryOut(host, name, args);
  expect(done.failed, done.outcomes.at(-1)?.stderr).toBeUndefined();
  return done.paths;
};

// Owners can be changed by root alone, which is who runs these tests.
describe.each(HOSTS.map((host) => [host.name, host] as const))('for real, with %s', (_name, host) => {
  describe('file', () => {
    it('makes directories, once', async () => {
      expect(await succeeds(host, 'file', { path: at('a/b/c'), state: 'directory', mode: '2750', owner: 'daemon', group: 'bin' })).toEqual([at('a/b/c')]);
      expect(await succeeds(host, 'file', { path: at('a/b/c'), state: 'directory', mode: '2750', owner: 'daemon', group: 'bin' })).toEqual([]);
      expect(await succeeds(host, 'file', { path: at('plain'), state: 'directory' })).toEqual([at('plain')]);
    });

    it('sets attributes of what is there', async () => {
      writeFileSync(at('x'), 'x');
      chmodSync(at('x'), 0o640);
      expect(await succeeds(host, 'file', { path: at('x'), mode: '0600' })).toEqual([`${at('x')} mode`]);
      expect(await succeeds(host, 'file', { path: at('x'), owner: 'daemon', group: 'bin' })).toEqual([`${at('x')} owner`, `${at('x')} group`]);
      // chown takes a setuid bit away: the mode comes after it.
      expect(await succeeds(host, 'file', { path: at('x'), mode: '4755', owner: 'root' })).toEqual([`${at('x')} mode`, `${at('x')} owner`]);
    });

    it('links, and links anew', async () => {
      mkdirSync(at('dir'));
      expect(await succeeds(host, 'file', { path: at('link'), state: 'link', src: at('dir') })).toEqual([at('link')]);
      // Not into the directory that it points to.
      expect(await succeeds(host, 'file', { path: at('link'), state: 'link', src: 'else where' })).toEqual([at('link')]);
      expect(readdirSync(at('dir'))).toEqual([]);
      writeFileSync(at('file'), '');
      expect(await succeeds(host, 'file', { path: at('file'), state: 'link', src: 'x' })).toEqual([at('file')]);
      expect(await succeeds(host, 'file', { path: at('file'), state: 'link', src: 'x' })).toEqual([]);
    });

    it('removes trees, links and nothing', async () => {
      mkdirSync(at('tree/deep'), { recursive: true });
      writeFileSync(at('tree/deep/x'), '');
      writeFileSync(at('kept'), '');
      symlinkSync('kept', at('link'));
      for (const name of ['tree', 'link', 'never']) expect(await succeeds(host, 'file', { path: at(name), state: 'absent' })).toEqual(name === 'never' ? [] : [at(name)]);
      expect(readdirSync(dir)).toEqual(['kept']);
    });

    it('makes an empty file once, when asked to', async () => {
      expect(await succeeds(host, 'file', { path: at('flag'), state: 'touch', mode: '0600' })).toEqual([at('flag')]);
      writeFileSync(at('flag'), 'kept');
      expect(await succeeds(host, 'file', { path: at('flag'), state: 'touch', mode: '0600' })).toEqual([]);
    });

    it.each([
      ['a file that is not there', 'gone', { state: 'file' }, /does not exist/],
      ['a directory where a file shall be', 'dir', { state: 'file' }, /is no file/],
      ['a file where a directory shall be', 'file', { state: 'directory' }, /is no directory/],
      ['a link where a file shall be', 'link', { mode: '0600' }, /is a link/],
      ['a directory where a link shall be', 'dir', { state: 'link', src: 'x' }, /is a directory/],
    ])('refuses %s and leaves it', async (_what, name, args, why) => {
      mkdirSync(at('dir'));
      writeFileSync(at('file'), '');
      symlinkSync('file', at('link'));
      const before = readdirSync(dir);
      expect(refusal(await carryOut(host, 'file', { path: at(name), ...args }))).toMatch(why);
      expect(readdirSync(dir)).toEqual(before);
      expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
    });
  });

  describe('copy', () => {
    it('writes a text and its attributes at once, then nothing', async () => {
      const args = { dest: at('motd'), content: 'Grüße\n', mode: '0640', owner: 'daemon', group: 'bin' };
      expect(await succeeds(host, 'copy', args)).toEqual([at('motd')]);
      expect(await succeeds(host, 'copy', args)).toEqual([]);
    });

    it('keeps attributes that are not given', async () => {
      writeFileSync(at('x'), 'old');
      chownSync(at('x'), 1, 2);
      chmodSync(at('x'), 0o2711);
      expect(await succeeds(host, 'copy', { dest: at('x'), content: 'new' })).toEqual([at('x')]);
      expect(await succeeds(host, 'copy', { dest: at('x'), content: 'new', group: 'root' })).toEqual([`${at('x')} group`]);
    });

    it('mends attributes alone', async () => {
      writeFileSync(at('x'), 'same');
      expect(await succeeds(host, 'copy', { dest: at('x'), content: 'same', mode: '0600' })).toEqual([`${at('x')} mode`]);
    });

    it.each(['', 'no newline at the end', '\n\n', "it's \"$HOME\" `id` \\n %s {}\n", 'x'.repeat(300_000)])('brings any text whole: %#', async (content) => {
      await succeeds(host, 'copy', { dest: at('x'), content });
    });

    it('replaces a link by a file, and leaves what it pointed to', async () => {
      writeFileSync(at('target'), 'theirs');
      chmodSync(at('target'), 0o600);
      symlinkSync('target', at('link'));
      await succeeds(host, 'copy', { dest: at('link'), content: 'ours' });
      expect(lstatSync(at('link')).isFile()).toBe(true);
      expect(execFileSync('cat', [at('target')], { encoding: 'utf8' })).toBe('theirs');
    });

    it('replaces a link that points nowhere', async () => {
      symlinkSync('nowhere', at('link'));
      expect(await succeeds(host, 'copy', { dest: at('link'), content: 'ours', mode: '0600' })).toContain(at('link'));
    });

    it('puts no file in place that its check refuses', async () => {
      writeFileSync(at('x'), 'old');
      const done = await carryOut(host, 'copy', { dest: at('x'), content: 'new', validate: 'grep -q old %s' });
      expect(done.failed).toBe(0);
      expect(execFileSync('cat', [at('x')], { encoding: 'utf8' })).toBe('old');
      expect(readdirSync(dir)).toEqual(['x']);
      await succeeds(host, 'copy', { dest: at('x'), content: 'new', validate: 'grep -q new %s' });
    });

    it('refuses a directory as its destination', async () => {
      mkdirSync(at('dir'));
      symlinkSync('dir', at('link'));
      for (const name of ['dir', 'link']) expect(refusal(await carryOut(host, 'copy', { dest: at(name), content: 'x' }))).toMatch(/is a directory/);
      expect(readdirSync(at('dir'))).toEqual([]);
    });
  });

  it('template: puts what was rendered', async () => {
    expect(await succeeds(host, 'template', { src: 'page.j2', dest: at('page'), mode: '0644', owner: 'root', group: 'root' })).toEqual([at('page')]);
    expect(execFileSync('cat', [at('page')], { encoding: 'utf8' })).toBe('rendered content of page.j2\n');
  });

  it('sysctl: keeps a parameter in its file beside the other lines', async () => {
    const file = at('x.conf');
    const value = execFileSync('cat', ['/proc/sys/net/ipv4/ip_default_ttl'], { encoding: 'utf8' }).trim();
    writeFileSync(file, '# ours\nnet.ipv4.ip_forward = 0\n\n-net/ipv4/ip_default_ttl=1\nnet.ipv4.ip_default_ttl = 2');
    const args = { name: 'net.ipv4.ip_default_ttl', value, sysctl_file: file };
    expect(await succeeds(host, 'sysctl', args)).toEqual([file]);
    expect(execFileSync('cat', [file], { encoding: 'utf8' })).toBe(`# ours\nnet.ipv4.ip_forward = 0\n\nnet.ipv4.ip_default_ttl = ${value}\n`);
    expect(await succeeds(host, 'sysctl', { name: args.name, state: 'absent', sysctl_file: file })).toEqual([file]);
    expect(execFileSync('cat', [file], { encoding: 'utf8' })).toBe('# ours\nnet.ipv4.ip_forward = 0\n\n');
    expect(await succeeds(host, 'sysctl', { name: args.name, value, sysctl_file: at('new.conf') })).toEqual([at('new.conf')]);
  });

  it('command and shell: run once when something shows that they ran', async () => {
    for (const [name, cmd] of [['command', `touch '${at('done').replaceAll("'", `'\\''`)}'`], ['shell', `echo >"$STAMP"; : '${at('x').replaceAll("'", '')}'`]] as const) {
      const args = name === 'command' ? { cmd, creates: at('done') } : { cmd: 'read line; echo "$line" >stamp', chdir: dir, creates: at('stamp'), stdin: 'from stdin' };
      const module = await loadModule(name);
      const requests = module.facts(args, contextOf('rs1'));
      for (const times of [1, 0]) {
        const session = await play(module, args, gather(host, requests), contextOf('rs1'));
        expect(session.changes).toHaveLength(times);
        expect(parseOutcomes(run(host, renderSteps(session.steps, NONCE)), session.steps, NONCE).failed).toBeUndefined();
      }
    }
    expect(execFileSync('cat', [at('stamp')], { encoding: 'utf8' })).toBe('from stdin\n');
    expect(readdirSync(dir).sort()).toEqual(['done', 'stamp']);
  });
});
