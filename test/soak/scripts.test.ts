import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changedBy, eventually, lvsPlay, must, scratch, TestLab } from '../lab/support.ts';

const VIP = '192.168.0.38';
const FOLDER = '/usr/local/libexec/lvs-play';

let lab: TestLab;
let site: string[];
let copy: Awaited<ReturnType<typeof scratch>>;
let inventory: string;

/** Lines of the IPVS table about a port of the VIP. */
async function table(director: string, port: number): Promise<string> {
  return (await lab.sh(director, 'ipvsadm -Sn')).split('\n').filter((line) => line.startsWith(`-a -t ${VIP}:${String(port)} `)).sort().join('\n');
}

async function holder(): Promise<string> {
  const held = await Promise.all(['lvs1', 'lvs2'].map(async (host) => ((await lab.sh(host, 'ip -o address show dev eth0')).includes(`${VIP}/`) ? [host] : [])));
  return held.flat().join();
}

beforeAll(async () => {
  copy = await scratch({ 'hosts.yml': await readFile('test/lab/fixtures/scripts.yml', 'utf8') });
  inventory = path.join(copy.dir, 'hosts.yml');
  lab = await TestLab.installed('scripts', inventory);
  site = ['playbooks/site.yml', '-i', lab.overlay];
  for (const host of ['rs1', 'rs2']) {
    for (const port of [80, 8081, 8082]) await lab.sh(host, `mkdir -p /srv/www && echo '${host} here' >/srv/www/index.html && systemd-run -q --unit=web${String(port)} busybox httpd -f -p ${String(port)} -h /srv/www`);
  }
  await must(lvsPlay(['deploy', ...site]));
});

afterAll(async () => {
  await lab.down();
  await copy.remove();
});

describe('scripts that keepalived runs', () => {
  it("are root's own, and nothing is left to do", async () => {
    expect(await lab.sh('lvs1', `stat -c '%a %U %G %n' ${FOLDER} ${FOLDER}/*`)).toBe(`755 root root ${FOLDER}\n${['fit', 'tell', 'well'].map((name) => `755 root root ${FOLDER}/${name}\n`).join('')}`);
    expect(await changedBy(...site)).toEqual([]);
    expect((await lvsPlay(['verify', '-i', lab.overlay])).code).toBe(0);
  });

  it('are told of transitions, each word as it was written', async () => {
    const told = await eventually(() => lab.sh('lvs1', 'cat /run/told'), (text) => text.includes('MASTER'));
    expect(told).toContain('now {master}!|\n');
    expect(told).toContain('INSTANCE|edge|MASTER|100|\n');
  });

  it('decide who is MASTER', async () => {
    expect(await holder()).toBe('lvs1');
    await lab.sh('lvs1', 'touch /run/unfit');
    await eventually(holder, (host) => host === 'lvs2');
    await lab.sh('lvs1', 'rm /run/unfit');
    await eventually(holder, (host) => host === 'lvs1');
    expect(await lab.sh('lvs1', 'cat /run/told')).toContain('INSTANCE|edge|FAULT|100|\n');
  });

  it('decide which real servers are well', async () => {
    await eventually(() => table('lvs1', 8081), (lines) => lines.includes('192.168.0.18:8081') && lines.includes('192.168.0.28:8081'));
    await lab.sh('lvs1', 'touch "/run/sick rs1 (first)"');
    await eventually(() => table('lvs1', 8081), (lines) => !lines.includes('192.168.0.18:8081') && lines.includes('192.168.0.28:8081'));
    await lab.sh('lvs1', 'rm "/run/sick rs1 (first)"');
    await eventually(() => table('lvs1', 8081), (lines) => lines.includes('192.168.0.18:8081'));
  });
});

describe('other checks', () => {
  it('a page that does not match takes its server out', async () => {
    await eventually(() => table('lvs1', 80), (lines) => lines.includes('192.168.0.18:80') && lines.includes('192.168.0.28:80'));
    await lab.sh('rs2', 'echo "somebody else" >/srv/www/index.html');
    await eventually(() => table('lvs1', 80), (lines) => lines.includes('192.168.0.18:80') && !lines.includes('192.168.0.28:80'));
    await lab.sh('rs2', 'echo "rs2 here" >/srv/www/index.html');
    await eventually(() => table('lvs1', 80), (lines) => lines.includes('192.168.0.28:80'));
  });

  it('a file drains a server without a reload, and fills it again', async () => {
    const full = [`-a -t ${VIP}:8082 -r 192.168.0.18:8082 -g -w 5`, `-a -t ${VIP}:8082 -r 192.168.0.28:8082 -g -w 5`].join('\n');
    await eventually(() => table('lvs1', 8082), (lines) => lines === full);
    await lab.sh('lvs1', 'echo 1 >/run/drain');
    await eventually(() => table('lvs1', 8082), (lines) => lines === full.replace('-w 5', '-w 0'));
    await lab.sh('lvs1', 'echo 0 >/run/drain');
    await eventually(() => table('lvs1', 8082), (lines) => lines === full);
  });
});

describe('a script that is gone from the inventory', () => {
  it('is removed once keepalived no longer names it; what others put there stays', async () => {
    await lab.sh('lvs1', `echo theirs >${FOLDER}/theirs`);
    const text = await readFile(inventory, 'utf8');
    await writeFile(inventory, text.replace(/ {8}tell: [^]*?(?= {8}well)/, '').replace(/ {10}notify: .*\n/, ''));
    expect(await changedBy(...site)).toContain(`lvs1 ${FOLDER}/tell`);
    expect((await lab.sh('lvs1', `ls ${FOLDER}; grep -c tell /etc/keepalived/keepalived.conf || true`)).split('\n').filter((line) => line !== '')).toEqual(['fit', 'theirs', 'well', '0']);
    expect(await holder()).toBe('lvs1');
    expect(await changedBy(...site)).toEqual([]);
  });
});
