import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BootScript, recordedAddresses, renderBootScript } from '../../../../src/lvs/host/boot-script.ts';
import { parseIpvsadmSave } from '../../../../src/lvs/ipvs/table.ts';

const SHELLS = [
  ['dash', []],
  ['busybox', ['sh']],
] as const;

const SILENT = { '/proc/sys/net/ipv4/conf/all/arp_ignore': '1', '/proc/sys/net/ipv4/conf/all/arp_announce': '2' };

const REAL_SERVER: BootScript = {
  summary: 'A real server.',
  modules: [],
  sysctls: SILENT,
  addresses: [
    { interface: 'lo', address: '192.168.0.38/32' },
    { interface: 'lo', address: '2001:db8::38/128' },
  ],
};

/** As `ipvsadm -Sn` writes it. */
const TABLE = [
  '-A -t 192.168.0.38:80 -s wrr -p 300 -M 255.255.255.0',
  '-a -t 192.168.0.38:80 -r 192.168.0.18:80 -g -w 1',
  '-a -t 192.168.0.38:80 -r 192.168.0.28:80 -g -w 3',
  '-A -u [2001:db8::38]:53 -s rr -o',
  '-a -u [2001:db8::38]:53 -r [2001:db8::18]:53 -g -w 1',
  '-A -f 7 -6 -s sh -b sh-port',
  '',
].join('\n');

const FOREIGN = '-A -t 10.9.9.9:99 -s rr\n-a -t 10.9.9.9:99 -r 10.0.0.1:99 -m -w 1\n-A -f 7 -s rr\n-a -f 7 -r 10.0.0.2:0 -g -w 1\n';

const DIRECTOR: BootScript = {
  summary: 'A director.',
  modules: ['ip_vs'],
  sysctls: {},
  addresses: [{ interface: 'lo', address: '192.168.0.38/32' }],
  ipvs: { table: parseIpvsadmSave(TABLE), timeouts: [900, 120, 300] },
};

/** Keeps a table in a file in the form of `ipvsadm -Sn`, as the real one does in the kernel, and writes down how it was called. */
const FAKE_IPVSADM = `#!/bin/sh
set -f
file=$(dirname "$0")/table
case $1 in -Sn) [ -f "$file" ] && cat "$file"; exit 0;; esac
echo "$*" >>"$(dirname "$0")/calls"
verb=$1; shift
case $verb in --set) exit 0;; esac
name="$1 $2"; shift 2
if [ "\${1-}" = -6 ]; then name="$name -6"; shift; fi
exists() { grep -qF -e "$1" "$file"; }
drop() { grep -vF -e "$1" "$file" >"$file.new"; mv "$file.new" "$file"; }
case $verb in
    -A) exists "-A $name -s" && exit 255; echo "-A $name $*" >>"$file" ;;
    -E) exists "-A $name -s" || exit 255; drop "-A $name -s"; echo "-A $name $*" >>"$file" ;;
    -D) exists "-A $name -s" || exit 255; drop "-A $name -s"; drop "-a $name -r" ;;
    -a) exists "-A $name -s" && ! exists "-a $name -r $2 " || exit 255; echo "-a $name $*" >>"$file" ;;
    -e) exists "-a $name -r $2 " || exit 255; drop "-a $name -r $2 "; echo "-a $name $*" >>"$file" ;;
    -d) exists "-a $name -r $2 " || exit 255; drop "-a $name -r $2 " ;;
    *) exit 2 ;;
esac
`;

let dir: string;
const at = (name: string) => path.join(dir, name);

beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-script-'));
  writeFileSync(at('ipvsadm'), FAKE_IPVSADM);
  writeFileSync(at('table'), FOREIGN);
  // No test of this machine's own modules.
  writeFileSync(at('modprobe'), '#!/bin/sh\nexit 1\n');
  for (const name of ['ipvsadm', 'modprobe']) chmodSync(at(name), 0o755);
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const table = () => readFileSync(at('table'), 'utf8').trim().split('\n').sort();
const lines = (...texts: string[]) => texts.flatMap((text) => text.trim().split('\n')).sort();
const calls = () => {
  const made = existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trim().split('\n') : [];
  rmSync(at('calls'), { force: true });
  return made;
};

describe.each(SHELLS)('under %s', (program, args) => {
  /** In a network namespace of its own: `commands`, where `lvs ARGUMENT` runs the script. */
  const inNamespace = (script: BootScript, commands: string): string => {
    writeFileSync(at('script'), renderBootScript(script));
    const shell = [program, ...args].join(' ');
    const text = `ip link set lo up\nlvs() { ${shell} ${at('script')} "$@"; }\n${commands}`;
    const run = spawnSync('unshare', ['-rn', 'sh', '-c', text], { encoding: 'utf8', env: { ...process.env, PATH: `${dir}:${process.env['PATH'] ?? ''}` } });
    if (run.error !== undefined) throw run.error;
    return run.stdout + run.stderr;
  };

  it('starts, twice, tells its status, and stops, leaving what is others\'', () => {
    const said = inNamespace(
      REAL_SERVER,
      'ip address add 10.9.9.9/32 dev lo; lvs status; echo "= $?"; lvs start; echo "= $?"; lvs start; echo "= $?"; lvs status; echo "= $?"; ip -o -4 address show; grep -H "" /proc/sys/net/ipv4/conf/all/arp_*; ip address delete 192.168.0.38/32 dev lo; lvs status; echo "= $?"; lvs reload; lvs status; lvs stop; echo "= $?"; lvs stop; echo "= $?"; lvs status; echo "= $?"; ip -o -4 address show; lvs; echo "= $?"',
    );
    expect([...said.matchAll(/^= (\d+)$/gm)].map(([, code]) => code)).toEqual(['3', '0', '0', '0', '1', '0', '0', '3', '2']);
    expect(said.match(/inet 192\.168\.0\.38\/32/g)).toHaveLength(1);
    expect(said.match(/inet 10\.9\.9\.9\/32/g)).toHaveLength(2);
    expect(said).toContain('arp_ignore:1\n');
    expect(said).toContain('arp_announce:2\n');
  });

  it('puts no address where a kernel parameter cannot be set', () => {
    const said = inNamespace({ ...REAL_SERVER, sysctls: { ...SILENT, '/proc/sys/net/ipv4/conf/none/arp_ignore': '1' } }, 'lvs start; echo "= $?"; ip -o address show');
    expect(said).toContain('= 1\n');
    expect(said).not.toContain('192.168.0.38');
  });

  it('sets and checks a parameter of every interface', () => {
    const every = { ...REAL_SERVER, sysctls: { '/proc/sys/net/ipv4/conf/*/send_redirects': '0' } };
    const said = inNamespace(every, 'lvs start; echo "= $?"; cat /proc/sys/net/ipv4/conf/*/send_redirects | sort -u; lvs status; echo 1 >/proc/sys/net/ipv4/conf/lo/send_redirects; lvs status; echo "= $?"');
    expect(said).toContain('= 0\n0\nall is there\n');
    expect(said).toContain('/proc/sys/net/ipv4/conf/lo/send_redirects is 1, not 0');
    expect(said).toContain('= 1\n');
  });

  it('says which parameter is not as it shall be', () => {
    const said = inNamespace(REAL_SERVER, 'lvs start; echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore; lvs status; echo "= $?"');
    expect(said).toContain('arp_ignore is 0, not 1');
    expect(said).toContain('= 1\n');
  });

  it('fills the table, needs no command when it is full, and leaves others\' services alone', () => {
    inNamespace(DIRECTOR, 'lvs start');
    expect(calls()).toEqual(['--set 900 120 300', ...TABLE.trim().split('\n').filter((line) => line.startsWith('-A')), ...TABLE.trim().split('\n').filter((line) => line.startsWith('-a'))]);
    expect(table()).toEqual(lines(FOREIGN, TABLE));
    inNamespace(DIRECTOR, 'lvs reload');
    expect(calls()).toEqual(['--set 900 120 300']);
    inNamespace(DIRECTOR, 'lvs stop');
    expect(calls()).toEqual(['-D -t 192.168.0.38:80', '-D -u [2001:db8::38]:53', '-D -f 7 -6']);
    expect(table()).toEqual(lines(FOREIGN));
  });

  it('mends a table that was changed by hand: edits, never removes and adds', () => {
    const changed = TABLE.replace('-r 192.168.0.18:80 -g -w 1', '-r 192.168.0.99:80 -g -w 1').replace('-w 3', '-w 0').replace('-s rr -o', '-s lc');
    writeFileSync(at('table'), FOREIGN + changed);
    const said = inNamespace(DIRECTOR, 'lvs status; echo "= $?"; lvs start; lvs status; echo "= $?"');
    expect(said).toContain('no real server 192.168.0.18:80 of -t 192.168.0.38:80');
    expect([...said.matchAll(/^= (\d+)$/gm)].map(([, code]) => code)).toEqual(['1', '0']);
    expect(calls()).toEqual([
      '--set 900 120 300',
      '-E -u [2001:db8::38]:53 -s rr -o',
      '-a -t 192.168.0.38:80 -r 192.168.0.18:80 -g -w 1',
      '-e -t 192.168.0.38:80 -r 192.168.0.28:80 -g -w 3',
      '-d -t 192.168.0.38:80 -r 192.168.0.99:80',
    ]);
    expect(table()).toEqual(lines(FOREIGN, TABLE));
  });

  it('says that ipvsadm is missing', () => {
    rmSync(at('ipvsadm'));
    const tools = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-tools-'));
    try {
      writeFileSync(at('script'), renderBootScript(DIRECTOR).replace('PATH=$PATH:/usr/sbin:/sbin', `PATH=${tools}`));
      const shell = spawnSync('which', [program], { encoding: 'utf8' }).stdout.trim();
      const run = spawnSync(shell, [...args, at('script'), 'start'], { encoding: 'utf8' });
      expect(run.status).toBe(5);
      expect(run.stderr).toContain('ipvsadm is not installed');
    } finally {
      rmSync(tools, { recursive: true, force: true });
    }
  });
});

it('is a record of what it set', () => {
  expect(recordedAddresses(renderBootScript(REAL_SERVER))).toEqual(REAL_SERVER.addresses);
  expect(recordedAddresses("addresses='\nlo=10.9.9.9/32\n'\n")).toEqual([]);
});
