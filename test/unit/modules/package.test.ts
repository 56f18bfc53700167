import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import { request } from '../../../src/facts/contract.ts';
import { packageFact } from '../../../src/facts/system/package.ts';
import { unitFact } from '../../../src/facts/system/unit.ts';
import { loadModule, validateArgs } from '../../../src/modules/registry.ts';
import { parseOutcomes, renderSteps } from '../../../src/modules/render-steps.ts';
import { bare, contextOf, lived, odd, play, storeOf } from './support.ts';

const NONCE = 'c0ffee';
const SHELLS = [
  ['dash', []],
  ['busybox', ['sh']],
] as const;

let dir: string;
const at = (name: string) => path.join(dir, name);

beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), "lvs play'package-"));
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe.each(SHELLS)('under %s', (program, args) => {
  const policy = () => at('policy-rc.d');

  /** Runs the module's script with programs that only tell how they were called. */
  async function install(given: JsonObject, world = bare): Promise<{ log: string; exitCode: number | undefined }> {
    mkdirSync(at('bin'), { recursive: true });
    const tell = (name: string, body: string) => {
      writeFileSync(at(`bin/${name}`), `#!/bin/sh\necho "${name} $*" >>'${at('log').replaceAll("'", `'\\''`)}'\n${body}\n`, { mode: 0o755 });
    };
    tell('dpkg', 'case "$*" in --audit) if [ -e "$BROKEN" ]; then echo broken; fi;; esac');
    const asked = ['nginx start', 'nginx restart', '--quiet nginx start', 'nginx stop'].map((call) => `sh "$POLICY" ${call}; echo "policy ${call}: $?" >>"$LOG"`).join('\n');
    tell('apt-get', `if [ -e "$POLICY" ]; then\n${asked}\nfi\necho "frontend $DEBIAN_FRONTEND, proxy $http_proxy" >>"$LOG"\n[ ! -e "$FAILING" ]`);
    const played = await play(await loadModule('package'), given, world, contextOf('rs1'));
    const steps = played.steps.filter((step) => step.kind !== 'wait');
    if (program === 'busybox' && !existsSync(at('bin/sh'))) symlinkSync(execFileSync('which', ['busybox'], { encoding: 'utf8' }).trim(), at('bin/sh'));
    const withProxy = steps.map((step) => (step.kind === 'exec' ? { ...step, env: { http_proxy: 'http://proxy:3128' } } : step));
    const script = renderSteps(withProxy, NONCE).replaceAll('/usr/sbin/policy-rc.d', '"$POLICY"').replaceAll("'\"$POLICY\"'", '"$POLICY"');
    const env = { PATH: `${at('bin')}:/usr/sbin:/usr/bin:/sbin:/bin`, POLICY: policy(), LOG: at('log'), BROKEN: at('broken'), FAILING: at('failing') };
    const reply = spawnSync(program, [...args], { input: `(\n${script}\n) </dev/null\n`, env });
    const log = existsSync(at('log')) ? readFileSync(at('log'), 'utf8') : '';
    rmSync(at('log'), { force: true });
    return { log, exitCode: parseOutcomes(reply, steps, NONCE).outcomes[0]?.exitCode };
  }

  it('refreshes lists that are missing, installs the versions of the plan in one run, and lets nothing start', async () => {
    const { log, exitCode } = await install({ name: ['nginx', 'curl'] });
    expect(exitCode).toBe(0);
    expect(log.match(/^apt-get .*/gm)).toEqual([expect.stringMatching(/ update$/), expect.stringMatching(/^apt-get .*-y .*DPkg::Lock::Timeout=120 .*--force-confold install -- nginx=1:2\.2\.7-1 curl=1:2\.2\.7-1$/)]);
    expect(log).toContain('frontend noninteractive, proxy http://proxy:3128');
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
    expect((await install({ name: 'nginx', update_cache: true }, odd)).log).toMatch(/dpkg --configure -a[^]*apt-get .* update\n[^]*apt-get .* install -- nginx=1:2\.2\.8-1\n/);
    rmSync(at('broken'));
    expect((await install({ name: 'nginx' }, odd)).log).not.toContain(' update');
    expect((await install({ name: 'nginx', state: 'absent' }, lived)).log).toMatch(/apt-get .* remove -- nginx\n/);
  });
});

describe('planning', () => {
  it('says what is installed, mended and removed', async () => {
    const module = await loadModule('package');
    const changes = async (args: JsonObject, world: typeof bare) => (await play(module, args, world, contextOf('rs1'))).changes;
    const lists = (before: string) => ({ path: 'lists of packages', before, after: 'refreshed', upkeep: true });
    expect(await changes({ name: ['a', 'b'] }, bare)).toEqual([
      lists('missing'),
      { path: 'package a', before: null, after: '1:2.2.7-1' },
      { path: 'package b', before: null, after: '1:2.2.7-1' },
    ]);
    expect(await changes({ name: 'a' }, lived)).toEqual([]);
    expect(await changes({ name: 'a' }, odd)).toEqual([{ path: 'package a', before: 'broken', after: '1:2.2.8-1' }]);
    expect(await changes({ name: 'a', state: 'absent' }, lived)).toEqual([{ path: 'package a', before: '1:2.2.7-1', after: null }]);
    expect(await changes({ name: 'a', state: 'absent' }, bare)).toEqual([]);
    expect(await changes({ name: 'a', update_cache: true }, odd)).toEqual([lists('fresh'), { path: 'package a', before: 'broken', after: '1:2.2.8-1' }]);
    expect(await changes({ name: 'a', update_cache: true }, lived)).toEqual([]);
    expect(await changes({ name: 'a', state: 'latest' }, bare)).toEqual([lists('missing'), { path: 'package a', before: null, after: '1:2.2.7-1' }]);
    expect(await changes({ name: 'a', state: 'latest' }, lived)).toEqual([lists('old'), { path: 'package a', before: '1:2.2.7-1', after: '1:2.3.0-1', impact: 'upgrades a, which may restart its services' }]);
  });

  it('leaves what is newer than anything apt knows', async () => {
    const local = (fact: string, key: string) => (fact === 'package_candidate' ? { version: null, lists: 'fresh', problem: null } : lived(fact, key));
    expect((await play(await loadModule('package'), { name: 'a', state: 'latest' }, local, contextOf('rs1'))).changes).toEqual([]);
  });

  const PROBLEM = "Failed to fetch http://mirror.example/debian/dists/bookworm/InRelease Temporary failure resolving 'mirror.example'";
  const silent = (world: typeof bare): typeof bare => (fact, key) => {
    const answer = world(fact, key);
    if (fact === 'package_candidate') return { version: null, lists: 'missing', problem: PROBLEM };
    return fact === 'package' && (answer as JsonObject)['state'] !== 'installed' ? { ...(answer as JsonObject), candidate: null, problem: PROBLEM } : answer;
  };
  const held = (world: typeof bare): typeof bare => (fact, key) => (fact === 'package' ? { ...(world(fact, key) as JsonObject), held: true } : world(fact, key));

  it.each([
    ['a first installation', { name: 'a' }, silent(bare), /^rs1: which version of a would be installed is not known, .*: Failed to fetch http:\/\/mirror\.example\/.* resolving 'mirror\.example'$/],
    ['an upgrade', { name: 'a', state: 'latest' }, silent(lived), /^rs1: which version of a .* is not known/],
    ['an upgrade of a held package', { name: 'a', state: 'latest' }, held(lived), /^rs1: a is held at 1:2\.2\.7-1 \(apt-mark hold\) and cannot be installed or upgraded$/],
    ['removal of a held package', { name: 'a', state: 'absent' }, held(lived), /cannot be removed$/],
    ['installation of a held package', { name: 'a' }, held(bare), /^rs1: a is held \(apt-mark hold\) and/],
  ])('refuses %s in the plan, where nobody can know or apt would refuse', async (_title, args, world, message) => {
    const playing = loadModule('package').then((module) => play(module, args, world, contextOf('rs1')));
    await expect(playing).rejects.toMatchObject({ kind: 'host', message: expect.stringMatching(message) as string });
  });

  it('leaves alone what needs nothing, whatever its sources or its hold', async () => {
    const changes = async (args: JsonObject, world: typeof bare) => (await play(await loadModule('package'), args, world, contextOf('rs1'))).changes;
    expect(await changes({ name: 'a' }, held(lived))).toEqual([]);
    expect(await changes({ name: 'a' }, silent(lived))).toEqual([]);
    expect(await changes({ name: 'a', state: 'absent' }, silent(bare))).toEqual([]);
  });

  it.each(['-o', 'a b', 'lib*', 'a=1.2', 'a:i386', '', './a.deb'])('does not take %j for a name', async (name) => {
    const module = await loadModule('package');
    await expect(validateArgs(module, { value: { name }, locate: () => undefined })).rejects.toMatchObject({ code: 'bad-argument' });
    await expect(validateArgs(module, { value: { name: ['good', name] }, locate: () => undefined })).rejects.toMatchObject({ code: 'bad-argument' });
  });

  it('takes names as Debian has them', async () => {
    await validateArgs(await loadModule('package'), { value: { name: ['g++', 'libstdc++6', 'php8.2-fpm', '7zip'] }, locate: () => undefined });
  });

  it('says that it has no dnf yet', async () => {
    const module = await loadModule('package');
    expect(() => module.facts({ name: 'a' }, { ...contextOf('rs1'), osFamily: 'redhat' })).toThrow(/only apt/);
  });

  it.each([
    ['nginx-light', 'nginx.service', true],
    ['nginx', 'nginx.service', true],
    ['openvpn', 'openvpn@server.service', true],
    ['ipvsadm', 'ipvsadm-restore.service', true],
    ['ipset', 'cron.service', false],
    ['nginx-light', 'light.service', false],
  ])('expects that %s brings %s: %s', async (name, unit, brings) => {
    const asks = [request(packageFact, name), request(unitFact, unit)];
    const { next } = await play(await loadModule('package'), { name }, storeOf(bare, asks), contextOf('rs1'));
    expect(next.reader(asks as never).get(unitFact, unit).exists).toBe(brings);
  });

  it('expects the services of new packages: enabled, not started', async () => {
    const asks = [request(packageFact, 'nginx'), request(unitFact, 'nginx.service')];
    const [install, service] = [await loadModule('package'), await loadModule('service')];
    const installed = await play(install, { name: 'nginx' }, storeOf(bare, asks), contextOf('rs1'));
    const started = await play(service, { name: 'nginx', state: 'started', enabled: true }, installed.next, contextOf('rs1'));
    expect(started.changes).toEqual([{ path: 'nginx.service state', before: 'inactive', after: 'active' }]);
    expect(installed.next.isPredicted('unit', 'nginx.service')).toBe(true);
  });
});
