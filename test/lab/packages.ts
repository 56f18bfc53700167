import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CliResult, eventually, lvsPlay, type RunDocument, scratch, startLvsPlay, TestLab } from './support.ts';

const LISTS = 'ls -A /var/lib/apt/lists | grep -v -e partial -e lock; :';
const ARCHIVE = path.resolve('test/lab/fixtures/expired-archive');

/** What apt says of sources that it cannot read. */
const SOURCES = [
  ['a source that does not answer', 'deb http://127.0.0.1:9/debian bookworm main', 'Failed to fetch http://127.0.0.1:9/debian/dists/bookworm/InRelease'],
  ['no source', '', 'no source of packages is configured in /etc/apt'],
  ['a source whose key has expired', 'deb [signed-by=/etc/apt/expired.asc] file:/srv/expired ./', 'GPG error: file:/srv/expired ./ InRelease: The following signatures were invalid: EXPKEYSIG'],
] as const;

const LOCKS = ['/var/lib/dpkg/lock-frontend', '/var/lib/apt/lists/lock'] as const;

/**
 * What a host's package manager has to do with a plan and a deploy.
 * @param whole every kind of source and lock; otherwise one of each
 */
export function describePackages(name: string, whole: boolean): void {
  describe('packages of a host without lists', () => {
    let lab: TestLab;
    let files: { dir: string; remove: () => Promise<void> };

    const playbook = (name: string) => path.join(files.dir, `${name}.yml`);
    const book = (args: string) => `- hosts: all\n  gather_facts: false\n  become: true\n  tasks: [{ name: it, package: ${args} }]\n`;
    const run = (command: 'plan' | 'deploy', name: string, ...more: string[]): Promise<CliResult> => lvsPlay([command, playbook(name), '-i', lab.overlay, ...more]);
    const changesOf = ({ stdout }: CliResult) => (JSON.parse(stdout) as RunDocument).tasks.flatMap((task) => task.changes.map(({ path: what, before, after }) => [what, before, after]));

    /** The package sources of the node; older than its lists, unless they are to be asked anew. */
    async function sources(text: string): Promise<void> {
      await lab.sh('h1', `printf '%s\\n' '${text}' >/etc/apt/sources.list`);
    }

    const OWN = 'deb [trusted=yes] file:/srv/repo ./';

    beforeAll(async () => {
      files = await scratch({
        'hosts.yml': 'all: { hosts: { h1: { ansible_host: 192.168.0.7 } } }\n',
        'install.yml': book('{ name: ipset }'),
        'newest.yml': book('{ name: ipset, state: latest }'),
        'refresh.yml': book('{ name: [ipset, arptables], update_cache: true }'),
        'other.yml': book('{ name: conntrack }'),
        'remove.yml': book('{ name: ipset, state: absent }'),
      });
      lab = await TestLab.up(name, path.join(files.dir, 'hosts.yml'));
    });

    afterAll(async () => {
      await lab.down();
      await files.remove();
    });

    /** As a cloud image comes. */
    beforeEach(async () => {
      await lab.sh('h1', 'apt-mark -qq unhold ipset conntrack >/dev/null 2>&1; apt-get -qq -y purge ipset conntrack arptables >/dev/null 2>&1; rm -rf /var/lib/apt/lists; mkdir -p /var/lib/apt/lists/partial');
      await sources(OWN);
    });

    it('refreshes them as a change of its own when something is installed, and never again without need', async () => {
      const planned = await run('plan', 'install', '--json');
      expect(changesOf(planned)).toEqual([['lists of packages', 'missing', 'refreshed'], ['package ipset', null, expect.any(String)]]);
      expect(await lab.sh('h1', LISTS)).toBe('');
      expect(changesOf(await run('deploy', 'install', '--json'))).toEqual(changesOf(planned));
      const lists = await lab.sh('h1', LISTS);
      expect(lists).not.toBe('');
      // Old lists are no reason to act when there is nothing to install: a daily run leaves them alone.
      await lab.sh('h1', 'touch -d "3 days ago" /var/lib/apt/lists /var/lib/apt/lists/partial');
      const times = () => lab.sh('h1', 'find /var/lib/apt /var/cache/apt -printf "%p %T@\\n" | sort');
      const before = await times();
      for (const name of ['install', 'newest']) expect(changesOf(await run('deploy', name, '--json'))).toEqual([]);
      expect(await times()).toBe(before);
      expect(changesOf(await run('deploy', 'other', '--json'))).toEqual([['lists of packages', 'old', 'refreshed'], ['package conntrack', null, expect.any(String)]]);
      // Fresh again, but asked for.
      expect(changesOf(await run('deploy', 'refresh', '--json'))).toEqual([['lists of packages', 'fresh', 'refreshed'], ['package arptables', null, expect.any(String)]]);
    });

    it.each(whole ? SOURCES : SOURCES.slice(0, 1))('ends a plan and a deploy with one error that quotes apt: %s', async (_title, line, quoted) => {
      const [release, key] = [await readFile(path.join(ARCHIVE, 'InRelease'), 'utf8'), await readFile(path.join(ARCHIVE, 'key.asc'), 'utf8')];
      await lab.sh('h1', `mkdir -p /srv/expired; cat >/srv/expired/InRelease <<'EOF'\n${release}EOF\n: >/srv/expired/Packages; cat >/etc/apt/expired.asc <<'EOF'\n${key}EOF`);
      await sources(line);
      for (const command of ['plan', 'deploy'] as const) {
        const { code, stdout, stderr } = await run(command, 'install');
        const said = stdout + stderr;
        expect(code, said).toBe(2);
        expect(said).toContain(`h1: which version of ipset would be installed is not known, as its package sources cannot be read: ${quoted}`);
      }
      expect(await lab.sh('h1', 'dpkg-query -W -f "\\${db:Status-Abbrev}" ipset 2>/dev/null; :')).not.toMatch(/^ii/);
      // Another one that answers is enough.
      await sources(`${line}\n${OWN}`);
      expect((await run('deploy', 'install')).code).toBe(0);
    });

    if (whole) {
      it('does not take "nobody can know" for "there is nothing newer"', async () => {
        expect((await run('deploy', 'install')).code).toBe(0);
        await lab.sh('h1', 'rm -rf /var/lib/apt/lists/*');
        await sources('deb http://127.0.0.1:9/debian bookworm main');
        const { code, stdout, stderr } = await run('plan', 'newest');
        expect(code).toBe(2);
        expect(stdout + stderr).toContain('which version of ipset would be installed is not known');
        expect((await run('plan', 'install', '--detailed-exitcode')).code).toBe(0);
      });

      it('mends what an interrupted dpkg has left', async () => {
        await lab.sh('h1', 'apt-get -qq update; cd /tmp; apt-get -qq download ipset; dpkg --unpack ipset_*.deb >/dev/null; rm ipset_*.deb; dpkg-query -W -f "\\${db:Status-Abbrev}" ipset');
        expect(changesOf(await run('deploy', 'install', '--json'))).toEqual([['package ipset', 'broken', expect.any(String)]]);
        expect(await lab.sh('h1', 'dpkg-query -W -f "\\${db:Status-Abbrev}" ipset')).toBe('ii ');
      });
    }

    it('says that a package is held, before anything is done', async () => {
      expect((await run('deploy', 'install')).code).toBe(0);
      await lab.sh('h1', 'apt-mark -qq hold ipset');
      const { code, stdout, stderr } = await run('plan', 'remove');
      expect(code).toBe(2);
      expect(stdout + stderr).toMatch(/h1: ipset is held at \S+ \(apt-mark hold\) and cannot be removed/);
      expect((await run('plan', 'install', '--detailed-exitcode')).code).toBe(0);
    });

    it.each(whole ? LOCKS : LOCKS.slice(0, 1))('waits for another package manager that holds %s, and says so', async (lock) => {
      await lab.sh('h1', `systemd-run --quiet --unit=holder --service-type=exec python3 -c '
import fcntl, os, time
file = open("${lock}", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
open("/run/held", "w")
while os.path.exists("/run/held"): time.sleep(0.1)'`);
      await eventually(() => lab.trySh('h1', 'test -e /run/held && echo held'), (held) => held !== undefined);
      let said = '';
      const deploy = startLvsPlay(['deploy', playbook('install'), '-i', lab.overlay], { onStderr: (soFar) => (said = soFar) });
      await eventually(() => Promise.resolve(said), (soFar) => soFar.includes('is at work; waiting for it to finish'));
      expect(await lab.sh('h1', 'dpkg-query -W -f "\\${db:Status-Abbrev}" ipset 2>/dev/null; :')).not.toMatch(/^ii/);
      await lab.sh('h1', 'rm /run/held');
      const { code, stdout, stderr } = await deploy.result;
      expect(code, stdout + stderr).toBe(0);
      expect(stderr).toMatch(/h1: python3 \(process \d+, holder\.service\) is at work; waiting for it to finish/);
      expect(await lab.sh('h1', 'dpkg-query -W -f "\\${db:Status-Abbrev}" ipset')).toBe('ii ');
    });
  });
}
