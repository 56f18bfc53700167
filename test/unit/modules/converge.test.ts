import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import { gatherScript, parseGather } from '../../../src/facts/gather.ts';
import type { Change } from '../../../src/modules/contract.ts';
import { loadModule } from '../../../src/modules/registry.ts';
import { parseOutcomes, renderSteps } from '../../../src/modules/render-steps.ts';
import { bare, contextOf, controllerFiles, lived, odd, play } from './support.ts';

const NONCE = 'c0ffee';
const SHELLS = [
  ['dash', []],
  ['busybox', ['sh']],
] as const;

let dir: string;
const at = (name: string) => path.join(dir, name);

beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), "lvs play'converge-"));
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe.each(SHELLS)('real files under %s', (program, args) => {
  const sh = (script: string) => spawnSync(program, [...args], { input: `(\numask 022\n${script}\n) </dev/null\n` });

  /** Facts, diff, steps and facts again, as a deploy does it. */
  async function deploy(name: string, given: JsonObject): Promise<{ changes: readonly Change[]; error: string | undefined; left: readonly Change[] }> {
    const module = await loadModule(name);
    const context = contextOf('rs1');
    const resolved = module.resolve === undefined ? given : await module.resolve(given, controllerFiles);
    const requests = module.facts(resolved, context);
    const facts = () => parseGather(sh(gatherScript(requests, NONCE)).stdout, requests, NONCE).reader(requests);
    const before = facts();
    const changes = module.diff(resolved, before, context);
    const steps = changes.length === 0 ? [] : module.apply(resolved, changes, before, context);
    const { outcomes, failed } = parseOutcomes(sh(renderSteps(steps, NONCE)), steps, NONCE);
    return { changes, error: failed === undefined ? undefined : (outcomes[failed]?.stderr ?? ''), left: module.diff(resolved, facts(), context) };
  }

  async function converges(name: string, given: JsonObject): Promise<readonly Change[]> {
    const { changes, error, left } = await deploy(name, given);
    expect({ error, left }).toEqual({ error: undefined, left: [] });
    return changes;
  }

  it('copy and template', async () => {
    const dest = at('a file');
    const [change] = await converges('copy', { dest, content: 'one\n', mode: '0640' });
    expect(change).toMatchObject({ path: dest, before: null, after: expect.stringMatching(/^sha256:[0-9a-f]{12}$/) as string, text: { before: '', after: 'one\n' } });
    expect(await converges('copy', { dest, content: 'one\n', mode: '0640' })).toEqual([]);
    expect(await converges('copy', { dest, content: 'two\n' })).toMatchObject([{ text: { before: 'one\n', after: 'two\n' } }]);
    expect(statSync(dest).mode & 0o7777).toBe(0o640);
    // YAML 1.1 makes 420 of 0644.
    expect(await converges('copy', { dest, content: 'two\n', mode: 420 })).toEqual([{ path: `${dest} mode`, before: '0640', after: '0644' }]);
    await converges('copy', { dest, src: 'thing', owner: 'daemon', group: 'adm', mode: '0600' });
    expect(execFileSync('stat', ['-c', '%U %G %a', dest], { encoding: 'utf8' })).toBe('daemon adm 600\n');
    expect(readFileSync(dest, 'utf8')).toBe('content of thing\n');
    await converges('template', { src: 'page.j2', dest });
    expect(readFileSync(dest, 'utf8')).toBe('rendered content of page.j2\n');
  });

  it('copy refuses what its check refuses', async () => {
    const dest = at('conf');
    const refused = await deploy('copy', { dest, content: 'bad\n', validate: 'grep good %s' });
    expect(refused.error).toBeDefined();
    expect(existsSync(dest)).toBe(false);
    await converges('copy', { dest, content: 'good\n', validate: 'grep -q good %s' });
  });

  it('file', async () => {
    await converges('file', { path: at('a/deep dir'), state: 'directory', mode: '0750' });
    expect(statSync(at('a/deep dir')).mode & 0o7777).toBe(0o750);
    await converges('file', { path: at('touched'), state: 'touch', mode: '0600' });
    writeFileSync(at('touched'), 'kept');
    expect(await converges('file', { path: at('touched'), state: 'touch' })).toEqual([]);
    expect(readFileSync(at('touched'), 'utf8')).toBe('kept');
    chmodSync(at('touched'), 0o777);
    expect(await converges('file', { path: at('touched'), mode: '0644', owner: 'daemon' })).toHaveLength(2);
    await converges('file', { path: at('link'), state: 'link', src: 'touched' });
    await converges('file', { path: at('link'), state: 'link', src: 'a' });
    expect(readlinkSync(at('link'))).toBe('a');
    expect(lstatSync(at('a/deep dir')).isDirectory()).toBe(true);
    await converges('file', { path: at('link'), state: 'absent' });
    await converges('file', { path: at('a'), state: 'absent' });
    expect(existsSync(at('a'))).toBe(false);
  });

  it.each<[string, JsonObject, RegExp]>([
    ['a missing file', { state: 'file' }, /does not exist/],
    ['a directory for a link', { state: 'link', src: 'x' }, /is a directory/],
    ['a link for a directory', { state: 'directory' }, /is a link to/],
    ['a directory for a file', { state: 'file' }, /is no file/],
  ])('file refuses %s', async (name, given, message) => {
    const place = at('place');
    if (name.startsWith('a directory')) mkdirSync(place);
    if (name.startsWith('a link')) symlinkSync('.', place);
    const { error, changes } = await deploy('file', { path: place, ...given });
    expect(changes).toHaveLength(1);
    expect(error).toMatch(message);
  });
});

describe.each(SHELLS)('packages under %s', (program, args) => {
  const policy = () => at('policy-rc.d');

  /** Runs the module's script with programs that only tell how they were called. */
  async function install(given: JsonObject, world = bare): Promise<{ log: string; exitCode: number | undefined }> {
    mkdirSync(at('bin'), { recursive: true });
    const tell = (name: string, body: string) => {
      writeFileSync(at(`bin/${name}`), `#!/bin/sh\necho "${name} $*" >>'${at('log').replaceAll("'", `'\\''`)}'\n${body}\n`, { mode: 0o755 });
    };
    tell('dpkg', 'case "$*" in --audit) if [ -e "$BROKEN" ]; then echo broken; fi;; esac');
    const asked = ['nginx start', 'nginx restart', '--quiet nginx start', 'nginx stop'].map((call) => `sh "$POLICY" ${call}; echo "policy ${call}: $?" >>"$LOG"`).join('\n');
    tell('apt-get', `if [ -e "$POLICY" ]; then\n${asked}\nfi\necho "frontend $DEBIAN_FRONTEND" >>"$LOG"\n[ ! -e "$FAILING" ]`);
    const { steps } = await play(await loadModule('package'), given, world, contextOf('rs1'));
    const script = renderSteps(steps, NONCE).replaceAll('/usr/sbin/policy-rc.d', '"$POLICY"').replaceAll("'\"$POLICY\"'", '"$POLICY"');
    const env = { PATH: `${at('bin')}:/usr/sbin:/usr/bin:/sbin:/bin`, POLICY: policy(), LOG: at('log'), BROKEN: at('broken'), FAILING: at('failing') };
    const reply = spawnSync(program, [...args], { input: `(\n${script}\n) </dev/null\n`, env });
    const log = existsSync(at('log')) ? readFileSync(at('log'), 'utf8') : '';
    rmSync(at('log'), { force: true });
    return { log, exitCode: parseOutcomes(reply, steps, NONCE).outcomes[0]?.exitCode };
  }

  it('installs in one run, and lets nothing start', async () => {
    const { log, exitCode } = await install({ name: ['nginx', 'curl'] });
    expect(exitCode).toBe(0);
    expect(log.match(/^apt-get /gm)).toHaveLength(1);
    expect(log).toMatch(/^apt-get .*-y .*DPkg::Lock::Timeout=120 .*--force-confold install -- nginx curl$/m);
    expect(log).toContain('frontend noninteractive');
    expect(log).toContain('policy nginx start: 101');
    expect(log).toContain('policy --quiet nginx start: 101');
    expect(log).toContain('policy nginx restart: 0');
    expect(log).toContain('policy nginx stop: 0');
    expect(log).not.toContain('--configure');
    expect(existsSync(policy())).toBe(false);
  });

  it('leaves a policy of the host alone, and takes away one that a killed run left', async () => {
    writeFileSync(policy(), '#!/bin/sh\nexit 104\n');
    expect((await install({ name: 'nginx' })).log).toContain('policy nginx start: 104');
    expect(readFileSync(policy(), 'utf8')).toBe('#!/bin/sh\nexit 104\n');
    rmSync(policy());
    writeFileSync(at('failing'), '');
    expect((await install({ name: 'nginx' })).exitCode).not.toBe(0);
    expect(existsSync(policy())).toBe(false);
    writeFileSync(policy(), '#!/bin/sh\n# lvs-play: services are started by their own tasks\nexit 105\n');
    rmSync(at('failing'));
    expect((await install({ name: 'nginx' })).log).toContain('policy nginx start: 101');
    expect(existsSync(policy())).toBe(false);
  });

  it('lets services start where that is wanted', async () => {
    expect((await install({ name: 'nginx', start_services: true })).log).not.toContain('policy');
  });

  it('mends what was cut short first, refreshes lists when asked, removes', async () => {
    writeFileSync(at('broken'), '');
    expect((await install({ name: 'nginx', update_cache: true }, odd)).log).toMatch(/dpkg --configure -a[^]*apt-get .* update\n[^]*apt-get .* install -- nginx\n/);
    rmSync(at('broken'));
    expect((await install({ name: 'nginx', state: 'absent' }, lived)).log).toMatch(/apt-get .* remove -- nginx\n/);
  });
});
