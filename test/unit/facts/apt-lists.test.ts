import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { offersScript, parseOffers } from '../../../src/facts/system/apt-lists.ts';

// Real apt, in a tree of its own, with a source that lies in a folder.
let packages: string;
let root: string;
const at = (...parts: string[]) => path.join(root, ...parts);

beforeAll(() => {
  packages = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-packages-'));
});

afterAll(() => {
  rmSync(packages, { recursive: true, force: true });
});

beforeEach(() => {
  offer('1.0');
  root = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-apt-'));
  for (const folder of ['etc/apt/sources.list.d', 'etc/apt/apt.conf.d', 'etc/apt/preferences.d', 'etc/apt/trusted.gpg.d', 'var/lib/dpkg', 'var/cache/apt/archives/partial', 'var/tmp']) mkdirSync(at(folder), { recursive: true });
  writeFileSync(at('var/lib/dpkg/status'), '');
  // A hook that writes: it must not run for a look.
  writeFileSync(at('apt.conf'), `Dir "${root}/";\nDir::State::status "${at('var/lib/dpkg/status')}";\nAPT::Update::Post-Invoke { "touch ${at('etc/hook')}"; };\n`);
  source(`deb [trusted=yes] copy:${packages} ./`);
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function offer(version: string): void {
  const folder = path.join(packages, 'tree');
  mkdirSync(path.join(folder, 'DEBIAN'), { recursive: true });
  writeFileSync(path.join(folder, 'DEBIAN', 'control'), `Package: lvs-play-test\nVersion: ${version}\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: test\n`);
  for (const old of readdirSync(packages).filter((name) => name.endsWith('.deb'))) rmSync(path.join(packages, old));
  const deb = path.join(packages, `lvs-play-test_${version}.deb`);
  execFileSync('dpkg-deb', ['-b', folder, deb], { stdio: 'ignore' });
  const bytes = readFileSync(deb);
  const control = execFileSync('dpkg-deb', ['-f', deb], { encoding: 'utf8' });
  writeFileSync(path.join(packages, 'Packages'), `${control}Filename: ./${path.basename(deb)}\nSize: ${String(bytes.length)}\nSHA256: ${createHash('sha256').update(bytes).digest('hex')}\n\n`);
}

function source(text: string): void {
  writeFileSync(at('etc/apt/sources.list'), `${text}\n`);
  // Older than any list, but for where a test says otherwise.
  utimesSync(at('etc/apt/sources.list'), 1, 1);
  utimesSync(at('etc/apt/sources.list.d'), 1, 1);
}

function age(file: string, seconds: number): void {
  const time = Date.now() / 1000 - seconds;
  utimesSync(file, time, time);
}

const environment = () => ({ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', APT_CONFIG: at('apt.conf') });

function refresh(): void {
  execFileSync('apt-get', ['-q', 'update'], { env: environment(), stdio: 'ignore' });
  rmSync(at('var/cache/apt/pkgcache.bin'), { force: true });
  rmSync(at('etc/hook'), { force: true });
}

/** All that is there, with its times: a look must leave it as it was. */
function tree(): string {
  return execFileSync('find', [root, '-path', at('var/tmp'), '-prune', '-o', '-printf', '%p %y %s %T@ %m\n'], { encoding: 'utf8' }).split('\n').sort().join('\n');
}

describe.each([
  ['dash', []],
  ['busybox', ['sh']],
] as const)('what apt would install, under %s', (program, args) => {
  function look(...names: string[]) {
    const script = offersScript(names.join(' ')).replaceAll('/var/lib/apt', at('var/lib/apt')).replaceAll('/etc/apt', at('etc/apt')).replaceAll('/var/tmp', at('var/tmp'));
    const before = tree();
    const { stdout, stderr, status } = spawnSync(program, [...args, '-c', `umask 022\n(\n${script}\n)`], { env: environment(), encoding: 'utf8' });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(tree()).toBe(before);
    expect(readdirSync(at('var/tmp'))).toEqual([]);
    return parseOffers(stdout);
  }

  it('asks the sources where there are no lists, and leaves nothing behind', () => {
    expect(look('lvs-play-test', 'no-such-package')).toEqual({ lists: 'missing', candidates: new Map([['lvs-play-test', '1.0']]), problem: null, silent: false });
  });

  it('reads lists that are less than a day old, and asks nobody', () => {
    refresh();
    offer('1.1');
    expect(look('lvs-play-test')).toEqual({ lists: 'fresh', candidates: new Map([['lvs-play-test', '1.0']]), problem: null, silent: false });
  });

  it.each([
    ['the lists are older', () => { age(at('var/lib/apt/lists/partial'), 25 * 3600); }],
    ['the sources are newer', () => { age(at('etc/apt/sources.list'), -5); }],
    ['a folder of sources is newer', () => { age(at('etc/apt/sources.list.d'), -5); }],
  ])('asks the sources where %s', (_title, make) => {
    refresh();
    offer('1.1');
    make();
    expect(look('lvs-play-test')).toEqual({ lists: 'old', candidates: new Map([['lvs-play-test', '1.1']]), problem: null, silent: false });
    // Of a source that does not answer, the old lists still tell.
    rmSync(path.join(packages, 'Packages'));
    expect(look('lvs-play-test')).toMatchObject({ lists: 'old', candidates: new Map([['lvs-play-test', '1.0']]), silent: true, problem: expect.stringContaining(packages) as string });
  });

  it.each([
    ['no source is configured', '', /^no source of packages is configured/, true],
    ['a source does not answer', 'deb [trusted=yes] http://user:secret@127.0.0.1:9/debian bookworm main', /^Failed to fetch http:\/\/127\.0\.0\.1:9\/debian\/dists\/bookworm\/InRelease .*(?:refused|connect)/i, true],
    ['a source is not signed', 'deb copy:PACKAGES ./', /^The repository 'copy:.* is not signed|does not have a Release file/, true],
    ['another one answers', 'deb [trusted=yes] copy:PACKAGES ./\ndeb [trusted=yes] file:/nowhere ./', /file:\/nowhere/, false],
  ])('says in the words of apt that %s', (_title, text, problem, silent) => {
    source(text.replaceAll('PACKAGES', packages));
    const found = look('lvs-play-test', 'no-such-package');
    expect(found.silent).toBe(silent);
    expect(found.problem).toMatch(problem);
    expect(found.problem).not.toContain('secret');
    expect(found.candidates.get('lvs-play-test')).toBe(silent ? undefined : '1.0');
  });
});
