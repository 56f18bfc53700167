import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersTo, udpServer } from './requests.ts';
import { changedBy, eventually, lvsPlay, must, TestLab } from './support.ts';

const VIP = '192.168.0.38';
const SERVERS = ['rs1', 'rs2', 'spare'] as const;
const PORTS = [8081, 8082, 8083, 8084] as const;
/** Clients besides the namespace's own address. */
const CLIENTS = ['192.168.0.201', '192.168.0.202', '192.168.0.203', '192.168.0.204'] as const;

let lab: TestLab;
let site: string[];

/** A web server of its own for each port, so that one can be stopped. It says who it is. */
async function startWeb(host: string, port: number): Promise<void> {
  await lab.sh(host, `mkdir -p /srv/www && echo ${host} >/srv/www/index.html && systemd-run -q --unit=web${String(port)} busybox httpd -f -p ${String(port)} -h /srv/www`);
}

/** Who answers each of some packets from one port of the client's; '' for nobody. */
async function answersByUdp(port: number, count: number): Promise<string[]> {
  const program = `
    const socket = require('node:dgram').createSocket('udp4');
    const ask = () => new Promise((resolve) => {
      const timer = setTimeout(() => resolve(''), 10_000);
      socket.once('message', (data) => { clearTimeout(timer); resolve(String(data)); });
      socket.send('who', ${String(port)}, '${VIP}');
    });
    socket.bind(0, async () => { for (let i = 0; i < ${String(count)}; i++) console.log(await ask()); socket.close(); });`;
  return (await must(lab.client(process.execPath, '-e', program))).stdout.replace(/\n$/, '').split('\n');
}

async function stopWeb(host: string, port: number): Promise<void> {
  await lab.sh(host, `systemctl stop web${String(port)}`);
}

/** Who answers each of some requests; '' for nobody. */
async function who(port: number, count: number, ...curl: string[]): Promise<string[]> {
  const script = `i=0; while [ $i -lt ${String(count)} ]; do echo "$(curl -s -m 30 ${curl.join(' ')} http://${VIP}:${String(port)}/)"; i=$((i+1)); done`;
  return (await must(lab.client('sh', '-c', script))).stdout.replace(/\n$/, '').split('\n');
}

function servers(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

async function until(port: number, expected: readonly string[]): Promise<void> {
  await eventually(() => who(port, 6), (names) => servers(names).join() === expected.join());
}

beforeAll(async () => {
  lab = await TestLab.installed('services', 'test/lab/fixtures/services.yml');
  site = ['playbooks/site.yml', '-i', lab.overlay];
  for (const host of SERVERS) for (const port of PORTS) await startWeb(host, port);
  const add = CLIENTS.map((client) => `ip address add ${client}/32 dev "$dev"`).join(' && ');
  await must(lab.client('sh', '-c', `dev=$(ip -o -4 route get 192.168.0.18 | sed 's/.* dev \\([^ ]*\\) .*/\\1/') && ${add}`));
  await must(lvsPlay(['deploy', ...site]));
  await lab.held('lvs1', VIP);
  for (const port of PORTS) await until(port, port === 8081 ? (await who(8081, 6)).slice(0, 1) : ['rs1', 'rs2']);
});

afterAll(async () => {
  await lab.down();
});

describe('what keepalived does for a service', () => {
  it('persistence: each client stays with its server, and new ones go round in turn', async () => {
    const own = servers(await who(8081, 10));
    expect(own).toHaveLength(1);
    const others: string[] = [];
    for (const client of CLIENTS) {
      const seen = servers(await who(8081, 5, '--interface', client));
      expect(seen, client).toHaveLength(1);
      others.push(...seen);
    }
    expect(others.filter((name) => name === 'rs1')).toHaveLength(2);
    expect(others.filter((name) => name === 'rs2')).toHaveLength(2);
    // For as long as it is served, whoever else comes.
    expect(servers(await who(8081, 10))).toEqual(own);
    for (const [index, client] of CLIENTS.entries()) expect(await who(8081, 1, '--interface', client), client).toEqual([others[index]]);
  });

  it('sorry server: it serves only while nobody else does', async () => {
    await until(8082, ['rs1', 'rs2']);
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

  it('UDP: a flow stays with its server, with one_packet every packet goes to the next', async () => {
    for (const host of ['rs1', 'rs2']) await lab.sh(host, [8085, 8086].map((port) => udpServer(host, port, VIP)).join(' && '));
    const packets = await answersByUdp(8085, 10);
    expect(packets.filter((name) => name === 'rs1')).toHaveLength(5);
    expect(packets.filter((name) => name === 'rs2')).toHaveLength(5);
    expect(packets.every((name, i) => i === 0 || name !== packets[i - 1])).toBe(true);
    const flows = [await answersByUdp(8086, 5), await answersByUdp(8086, 5), await answersByUdp(8086, 5), await answersByUdp(8086, 5)];
    for (const flow of flows) expect(servers(flow)).toHaveLength(1);
    expect(flows.map(([first]) => first).sort()).toEqual(['rs1', 'rs1', 'rs2', 'rs2']);
  });

  it('connection sync: the holder sends, the other receives, and knows the holder\'s connections', async () => {
    expect(await lab.sh('lvs1', 'ipvsadm -ln --daemon')).toMatch(/master sync daemon.*syncid=7/);
    expect(await lab.sh('lvs2', 'ipvsadm -ln --daemon')).toMatch(/backup sync daemon.*syncid=7/);
    // A persistence template is worth a message of its own.
    const knownToOther = async (): Promise<string> => {
      await lab.answers(`${VIP}:8081`, 1);
      return lab.sh('lvs2', 'ipvsadm -lnc');
    };
    await eventually(knownToOther, (table) => table.includes(`${VIP}:8081`));
    // From ports that no other client comes to by chance. A request is worth one too, short as it is: it has a third packet, and an end.
    expect(servers(await answersTo(lab, [[{ host: VIP, port: 8082, localPort: 20001 }]]))).not.toEqual(['']);
    await eventually(() => lab.sh('lvs2', 'ipvsadm -lnc'), (table) => table.includes(':20001 '));
    // A connection that was only opened is not, though the holder has it.
    const open = `require('node:net').connect({ host: '${VIP}', port: 8082, localPort: 20002 }); setTimeout(() => process.exit(), 60000)`;
    await must(lab.client('sh', '-c', '"$0" -e "$1" </dev/null >/dev/null 2>&1 &', process.execPath, open));
    await eventually(() => lab.sh('lvs1', 'ipvsadm -lnc'), (table) => /ESTABLISHED +\S+:20002 /.test(table));
    expect(await lab.sh('lvs2', 'ipvsadm -lnc')).not.toContain(':20002 ');
  });

  it('a second deploy changes nothing, and verify agrees', async () => {
    expect(await changedBy(...site)).toEqual([]);
    const verified = await lvsPlay(['verify', '-i', lab.overlay]);
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  });
});
