import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, lvsPlay, must, TestLab } from './support.ts';

const VIP = '192.168.0.38';
const SERVERS = ['rs1', 'rs2', 'spare'] as const;
const PORTS = [8081, 8082, 8083, 8084] as const;
/** A second client, besides the namespace's own address. */
const OTHER_CLIENT = '192.168.0.200';

let lab: TestLab;
let site: string[];

/** A web server of its own for each port, so that one can be stopped. It says who it is. */
async function startWeb(host: string, port: number): Promise<void> {
  await lab.sh(host, `mkdir -p /srv/www && echo ${host} >/srv/www/index.html && systemd-run -q --unit=web${String(port)} busybox httpd -f -p ${String(port)} -h /srv/www`);
}

async function stopWeb(host: string, port: number): Promise<void> {
  await lab.sh(host, `systemctl stop web${String(port)}`);
}

/** Who answers each of some requests; '' for nobody. */
async function who(port: number, count: number, ...curl: string[]): Promise<string[]> {
  const script = `i=0; while [ $i -lt ${String(count)} ]; do echo "$(curl -s -m 3 ${curl.join(' ')} http://${VIP}:${String(port)}/)"; i=$((i+1)); done`;
  return (await must(lab.client('sh', '-c', script))).stdout.replace(/\n$/, '').split('\n');
}

function servers(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

async function until(port: number, expected: readonly string[]): Promise<void> {
  await eventually(() => who(port, 6), (names) => servers(names).join() === expected.join());
}

beforeAll(async () => {
  lab = await TestLab.up('services', 'test/lab/fixtures/services.yml');
  site = ['playbooks/site.yml', '-i', lab.overlay];
  for (const host of SERVERS) for (const port of PORTS) await startWeb(host, port);
  await must(lab.client('sh', '-c', `ip address add ${OTHER_CLIENT}/32 dev "$(ip -o -4 route get 192.168.0.18 | sed 's/.* dev \\([^ ]*\\) .*/\\1/')"`));
  await must(lvsPlay(['deploy', ...site]));
  for (const port of PORTS) await until(port, port === 8081 ? (await who(8081, 6)).slice(0, 1) : ['rs1', 'rs2']);
});

afterAll(async () => {
  await lab.down();
});

describe('what keepalived does for a service', () => {
  it('persistence: a client stays with its server, another goes to the next', async () => {
    const first = servers(await who(8081, 10));
    expect(first).toHaveLength(1);
    const second = servers(await who(8081, 10, '--interface', OTHER_CLIENT));
    expect(second).toHaveLength(1);
    expect(second).not.toEqual(first);
    // For as long as it is served, whoever else comes.
    expect(servers(await who(8081, 10))).toEqual(first);
  });

  it('sorry server: it serves only while nobody else does', async () => {
    expect(servers(await who(8082, 10))).toEqual(['rs1', 'rs2']);
    await stopWeb('rs1', 8082);
    await until(8082, ['rs2']);
    await stopWeb('rs2', 8082);
    await until(8082, ['spare']);
    await startWeb('rs1', 8082);
    await until(8082, ['rs1']);
    await startWeb('rs2', 8082);
    await until(8082, ['rs1', 'rs2']);
  });

  it('quorum: below it the sorry server serves, though one server lives', async () => {
    await stopWeb('rs1', 8083);
    await until(8083, ['spare']);
    // rs2 itself is well: asked past the director, it answers.
    expect((await must(lab.client('curl', '-s', '-m', '3', 'http://192.168.0.28:8083/'))).stdout.trim()).toBe('rs2');
    await startWeb('rs1', 8083);
    await until(8083, ['rs1', 'rs2']);
  });

  it('inhibit_on_failure: a failed server stays in the table with weight 0, and gets nothing', async () => {
    await stopWeb('rs2', 8084);
    await until(8084, ['rs1']);
    expect(await lab.sh('lvs1', 'ipvsadm -Sn')).toMatch(new RegExp(`-a -t ${VIP}:8084 -r 192\\.168\\.0\\.28:8084 -g -w 0`));
    // Without it, the sorry service's failed server is gone: seen above by who answers, here in the table.
    await startWeb('rs2', 8084);
    await until(8084, ['rs1', 'rs2']);
  });

  it('connection sync: the holder sends, the other receives, and knows the holder\'s connections', async () => {
    expect(await lab.sh('lvs1', 'ipvsadm -ln --daemon')).toMatch(/master sync daemon.*syncid=7/);
    expect(await lab.sh('lvs2', 'ipvsadm -ln --daemon')).toMatch(/backup sync daemon.*syncid=7/);
    // A persistence template is worth a message of its own.
    await eventually(() => lab.sh('lvs2', 'ipvsadm -lnc'), (table) => table.includes(`${VIP}:8081`));
  });

  it('a second deploy changes nothing, and verify agrees', async () => {
    const again = JSON.parse((await must(lvsPlay(['deploy', ...site, '--json']))).stdout) as { recap: Record<string, { changed: number }> };
    expect(Object.values(again.recap).map(({ changed }) => changed)).toEqual(Object.values(again.recap).map(() => 0));
    const verified = await lvsPlay(['verify', '-i', lab.overlay]);
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  });
});
