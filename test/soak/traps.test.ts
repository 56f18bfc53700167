import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersTo, type Request, share, udpAnswers, udpServer } from '../lab/requests.ts';
import { eventually, lvsPlay, must, scratch, TestLab } from '../lab/support.ts';

const TRAPS = 'test/lab/fixtures/traps.yml';
const CURES = 'test/lab/fixtures/cures.yml';
const VIP = '192.168.0.38';
const NAT_VIP = '172.16.254.200';
/** Clients that are in none of the cluster's networks: replies reach them through the real servers' default route. */
const CLIENTS = Array.from({ length: 8 }, (_, index) => `10.9.0.${String(index + 1)}`);
const HOSTS = ['lvs1', 'rs1', 'rs2', 'rs3'] as const;
/** Ports whose server is stopped in a test are units of their own. */
const PORTS = { plain: [8000, 8001, 8002, 8003, 8004, 8008, 8009, 8010, 8013, 8080], stopped: [8005, 8006, 8007] } as const;

let lab: TestLab;
let folder: string;
let site: string[];

async function ask(groups: readonly (readonly Request[])[]): Promise<string[]> {
  return answersTo(lab, groups);
}

/** Who answers requests that follow each other; '' for nobody. */
async function inTurn(port: number, count: number, from?: Omit<Request, 'host' | 'port'>): Promise<string[]> {
  return ask(Array.from({ length: count }, () => [{ host: VIP, port, ...from }]));
}

/** The same, at the same time, from clients beyond the gateway: one that waits in vain does not hold the others up. */
async function fromBeyond(port: number, host = VIP): Promise<string[]> {
  return ask([CLIENTS.map((localAddress) => ({ host, port, localAddress }))]);
}

/** Of four clients in a network of the director. */
async function fromNear(host: string, port: number): Promise<string[]> {
  return ask([Array.from({ length: 4 }, () => ({ host, port }))]);
}

/** Each MAC address that answers ARP for the VIP. */
async function macs(): Promise<number> {
  const said = (await lab.client('sh', '-c', `arping -b -c 6 -w 2 -I "$(ip -o -4 route get ${VIP} | sed 's/.* dev \\([^ ]*\\) .*/\\1/')" ${VIP}`)).stdout;
  return new Set([...said.matchAll(/\[([0-9A-Fa-f:]{17})\]/g)].map(([, mac]) => mac)).size;
}

/** What the linter says of a file: `rule place`, the place being the first word of its line. */
async function lint(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const { findings } = JSON.parse((await lvsPlay(['lint', '-i', file, '--json'])).stdout) as { findings: { rule: string; position: { line: number } }[] };
  return findings.map(({ rule, position }) => `${rule} ${lines[position.line - 1]?.trim().split(':')[0] ?? ''}`);
}

/** What the linter says of the right inventory after a change to it. */
async function lintOf(before: string | RegExp, after: string): Promise<string[]> {
  const text = await readFile(CURES, 'utf8');
  expect(text.replace(before, after)).not.toBe(text);
  const files = await scratch({ 'hosts.yml': text.replace(before, after) });
  try {
    return await lint(path.join(files.dir, 'hosts.yml'));
  } finally {
    await files.remove();
  }
}

async function deploy(inventory: string): Promise<void> {
  await copyFile(inventory, path.join(folder, 'hosts.yml'));
  await must(lvsPlay(['deploy', ...site]));
}

/** What is planted is there while a test looks, and gone afterwards however that ended: the next one starts from what was deployed. */
async function planted(plant: () => Promise<unknown>, look: () => Promise<unknown>, remove: () => Promise<unknown>): Promise<void> {
  await plant();
  try {
    await look();
  } finally {
    await remove();
  }
}

/** By hand, where the tool does not look: another weight in the kernel's table. */
async function weigh(port: number, server: string, weight: number): Promise<void> {
  await lab.sh('lvs1', `ipvsadm -e -t ${VIP}:${String(port)} -r ${address(server)}:${String(port)} -g -w ${String(weight)}`);
}

function address(server: string): string {
  return { rs1: '192.168.0.18', rs2: '192.168.0.28', rs3: '192.168.0.29' }[server] ?? '';
}

function other(server: string | undefined): string {
  return server === 'rs1' ? 'rs2' : 'rs1';
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-traps-'));
  const file = path.join(folder, 'hosts.yml');
  await copyFile(TRAPS, file);
  lab = await TestLab.installed('traps', file);
  // Without the proof from outside: it would fail, and count here.
  site = ['playbooks/site.yml', '-i', lab.overlay, '-l', HOSTS.join()];
  const web = `for port in ${PORTS.plain.join(' ')}; do busybox httpd -f -p $port -h /srv/www & done; wait`;
  const own = PORTS.stopped.map((port) => `systemd-run -q --unit=web${String(port)} busybox httpd -f -p ${String(port)} -h /srv/www`).join(' && ');
  await Promise.all(['rs1', 'rs2', 'rs3'].map((host) => lab.sh(host, `mkdir -p /srv/www && echo ${host} >/srv/www/index.html && systemd-run -q --unit=web sh -c '${web}' && ${own}`)));
  const add = CLIENTS.map((client) => `ip address add ${client}/32 dev lo`).join(' && ');
  await must(lab.client('sh', '-c', add));
  await deploy(TRAPS);
});

afterAll(async () => {
  await lab.down();
  await rm(folder, { recursive: true, force: true });
});

describe('what the linter says', () => {
  const named = [
    ...['port-reuse ipvs', 'templates-never-expire ipvs', 'nat-and-dr nat', 'nat-client-inside inside', 'quorum-without-spare quorum', 'unchecked-server unchecked'],
    ...['hash-without-fallback hash', 'hash-without-fallback maglev', 'inhibit-with-hash inhibit', 'drain-under-dh destination'],
    ...['weights-ignored weights', 'failover-order order', 'overflow-at-one overflow'],
  ];

  it('names each trap of one inventory, and none of them in the other', async () => {
    expect(await lint(TRAPS)).toEqual(expect.arrayContaining(named));
    const cured = await lint(CURES);
    expect(named.filter((one) => cured.includes(one))).toEqual([]);
  });

  it('names what the model refuses: weight 0 under sh and mh, a quorum that is lost by it, another port in DR', async () => {
    expect(await lintOf(', scheduler_flags: [sh-fallback], real_servers', ', real_servers')).toEqual(['weight-zero-hash hash']);
    expect(await lintOf(', scheduler_flags: [mh-fallback], real_servers', ', real_servers')).toEqual(['weight-zero-hash maglev']);
    expect(await lintOf('quorum: 1', 'quorum: 3')).toEqual(['quorum-too-high quorum']);
    expect(await lintOf('mode: nat, address: "172.16.254.200:80"', 'mode: dr, address: "172.16.254.200:80"')).toEqual(['port-not-rewritten nat']);
    expect(await lintOf(/ +nat_networks:\n.*\n/, '')).toContain('nat-without-gateway nat');
  });
});

describe('the traps bite', () => {
  it('ARP rules on lo only, or the VIP on the network card: two MACs answer, and verify says so', async () => {
    expect(await macs()).toBe(1);
    await planted(
      () => lab.sh('rs1', 'cd /proc/sys/net/ipv4/conf; for part in arp_ignore:1 arp_announce:2; do echo 0 >all/${part%:*}; echo ${part#*:} >lo/${part%:*}; done'),
      async () => {
        await eventually(macs, (count) => count === 2);
        const { checks } = JSON.parse((await lvsPlay(['verify', '-i', lab.overlay, '--requests', '1', '--json'])).stdout) as { checks: { name: string; subject: string; verdict: string }[] };
        expect(checks.filter(({ name, verdict }) => name === 'arp' && verdict === 'fail').map(({ subject }) => subject)).toEqual([VIP]);
        expect(checks.filter(({ name, verdict }) => name === 'reuse' && verdict === 'fail').map(({ subject }) => subject)).toEqual(['lvs1']);
      },
      () => must(lvsPlay(['deploy', ...site.slice(0, -1), 'rs1'])),
    );
    expect(await macs()).toBe(1);
    await planted(
      () => lab.sh('rs1', `ip address add ${VIP}/32 dev eth0`),
      () => eventually(macs, (count) => count === 2),
      () => lab.sh('rs1', `ip address delete ${VIP}/32 dev eth0`),
    );
    await must(lab.client('ip', 'neigh', 'flush', 'to', VIP));
  });

  it('-g for a NAT real server: ipvsadm takes another port away without a word, and nobody answers; with -m it does', async () => {
    const service = `${NAT_VIP}:8080`;
    await planted(
      () => lab.sh('lvs1', `ipvsadm -A -t ${service} -s rr && ipvsadm -a -t ${service} -r 192.168.0.29:81 -g`),
      async () => {
        expect(await lab.sh('lvs1', 'ipvsadm -Sn')).toContain(`-a -t ${service} -r 192.168.0.29:8080 -g`);
        expect(share(await fromNear(NAT_VIP, 8080))).toEqual({ nobody: 4 });
        await lab.sh('lvs1', `ipvsadm -e -t ${service} -r 192.168.0.29:8080 -m`);
        expect(share(await fromNear(NAT_VIP, 8080))).toEqual({ rs3: 4 });
      },
      () => lab.sh('lvs1', `ipvsadm -D -t ${service}`),
    );
  });

  it('NAT with another default route, or without forwarding: nobody is answered', async () => {
    expect(share(await fromNear(NAT_VIP, 80))).toEqual({ rs3: 4 });
    const nobody = async (): Promise<void> => {
      expect(share(await fromNear(NAT_VIP, 80))).toEqual({ nobody: 4 });
    };
    await planted(() => lab.sh('rs3', '/usr/local/sbin/lvs-gateway stop'), nobody, () => lab.sh('rs3', '/usr/local/sbin/lvs-gateway start'));
    expect(share(await fromNear(NAT_VIP, 80))).toEqual({ rs3: 4 });
    await planted(() => lab.sh('lvs1', 'echo 0 >/proc/sys/net/ipv4/ip_forward'), nobody, () => lab.sh('lvs1', 'echo 1 >/proc/sys/net/ipv4/ip_forward'));
  });

  it('a NAT client in the real servers\' own network: not answered, while others are', async () => {
    expect(share(await fromNear('192.168.0.8', 8012))).toEqual({ nobody: 4 });
    expect(share(await fromBeyond(8012, '192.168.0.8'))).toEqual({ rs3: 8 });
  });

  it('DR with the director as gateway: clients beyond it get nothing from that server, those near by do', async () => {
    expect(share(await fromBeyond(8001))).toEqual({ rs1: 4, nobody: 4 });
    expect(share(await fromNear(VIP, 8001))).toEqual({ rs1: 2, rs3: 2 });
  });

  it.each([[8002, 'sh'], [8003, 'mh']])('weight 0 under the scheduler of port %i, %s: clients hashed there are refused, and only they', async (port) => {
    const before = await fromBeyond(port);
    expect(Object.keys(share(before)).sort()).toEqual(['rs1', 'rs2']);
    await weigh(port, 'rs2', 0);
    expect(await fromBeyond(port)).toEqual(before.map((name) => (name === 'rs2' ? '' : name)));
  });

  it('mh: a server that came with weight 0 has no clients to refuse', async () => {
    await lab.sh('lvs1', `ipvsadm -d -t ${VIP}:8003 -r 192.168.0.28:8003 && ipvsadm -a -t ${VIP}:8003 -r 192.168.0.28:8003 -g -w 0`);
    expect(share(await fromBeyond(8003))).toEqual({ rs1: 8 });
    await weigh(8003, 'rs2', 1);
  });

  it('weight 0 under dh: the whole address is refused', async () => {
    const [server = ''] = await inTurn(8013, 1);
    await weigh(8013, server, 0);
    expect(share(await inTurn(8013, 4))).toEqual({ nobody: 4 });
  });

  it('inhibit_on_failure under sh: clients of a dead server are refused', async () => {
    const before = await fromBeyond(8007);
    await lab.sh('rs2', 'systemctl stop web8007');
    await eventually(() => lab.sh('lvs1', 'ipvsadm -Sn'), (table) => table.includes(`${VIP}:8007 -r 192.168.0.28:8007 -g -w 0`));
    expect(await fromBeyond(8007)).toEqual(before.map((name) => (name === 'rs2' ? '' : name)));
    expect(before).toContain('rs2');
  });

  it('no health check: a dead server keeps its share', async () => {
    await lab.sh('rs2', 'systemctl stop web8006');
    expect(share(await inTurn(8006, 8))).toEqual({ rs1: 4, nobody: 4 });
  });

  it('quorum: a drained server, healthy as the other, takes both out', async () => {
    await eventually(() => fromBeyond(8005), (names) => share(names)['rs1'] === 4 && share(names)['rs2'] === 4);
    await lab.sh('lvs1', 'echo 1 >/run/drain');
    await eventually(() => fromBeyond(8005), (names) => share(names)['rs3'] === 8);
    expect(await ask([['rs1', 'rs2'].map((host) => ({ host: address(host), port: 8005 }))])).toEqual(['rs1', 'rs2']);
  });

  it('persistence: a client keeps reaching the drained server', async () => {
    const [server = ''] = await inTurn(8004, 1);
    await weigh(8004, server, 0);
    expect(share(await inTurn(8004, 4))).toEqual({ [server]: 4 });
  });

  it('a source port that is used again leads to the server it led to before, drained or gone', async () => {
    const from = { localAddress: '10.9.0.1', localPort: 40001 };
    const [server = ''] = await inTurn(8000, 1, from);
    expect(share(await inTurn(8000, 3, from))).toEqual({ [server]: 3 });
    await weigh(8000, server, 0);
    expect(share(await inTurn(8000, 3, from))).toEqual({ [server]: 3 });
    expect(share(await inTurn(8000, 3))).toEqual({ [other(server)]: 3 });
    await lab.sh('lvs1', `ipvsadm -d -t ${VIP}:8000 -r ${address(server)}:8000`);
    expect(await inTurn(8000, 1, from)).toEqual(['']);
  });

  it('rr does not look at weights, ovf with weight 1 overflows after two, fo with equal weights serves from what came last', async () => {
    expect(share(await inTurn(8008, 8))).toEqual({ rs1: 4, rs2: 4 });
    expect(share(await lab.answersAtOnce(VIP, 8010, 4))).toEqual({ rs1: 2, rs2: 2 });
    const [first] = await inTurn(8009, 1);
    expect(share(await inTurn(8009, 4))).toEqual({ [first ?? '']: 4 });
    await lab.sh('lvs1', `ipvsadm -d -t ${VIP}:8009 -r ${address(other(first))}:8009 && ipvsadm -a -t ${VIP}:8009 -r ${address(other(first))}:8009 -g`);
    expect(share(await inTurn(8009, 4))).toEqual({ [other(first)]: 4 });
  });

  it('UDP servers bound to any address answer from their own, which the client does not take; bound to the VIP they are heard', async () => {
    for (const host of ['rs1', 'rs2']) await lab.sh(host, `${udpServer(host, 8011, '0.0.0.0')}; ${udpServer(host, 8014, VIP)}`);
    await eventually(() => udpAnswers(lab, VIP, 8014), (names) => share(names)['rs1'] === 2 && share(names)['rs2'] === 2);
    expect(share(await udpAnswers(lab, VIP, 8011))).toEqual({ nobody: 4 });
  });
});

describe('the cures, deployed, hold', () => {
  beforeAll(async () => {
    // All that a person may have left behind, and what the cures are for: one drains, one is dead.
    await lab.sh('rs2', 'systemctl stop web8006 web8007 2>/dev/null || :');
    await lab.sh('rs3', '/usr/local/sbin/lvs-gateway stop');
    await lab.sh('lvs1', `echo 1 >/run/drain; echo 0 >/proc/sys/net/ipv4/ip_forward; ipvsadm -d -t ${NAT_VIP}:80 -r 192.168.0.29:8080 && ipvsadm -a -t ${NAT_VIP}:80 -r 192.168.0.29:8080 -g`);
    await deploy(CURES);
  });

  it('DR: one MAC answers ARP, and real servers have a way out of their own', async () => {
    expect(await macs()).toBe(1);
    expect(share(await fromBeyond(8001))).toEqual({ rs1: 4, rs2: 4 });
  });

  it('NAT: the director is the gateway, forwards and translates, and the VIP is where clients are', async () => {
    expect(share(await fromNear(NAT_VIP, 80))).toEqual({ rs3: 4 });
    expect(share(await fromNear(NAT_VIP, 8012))).toEqual({ rs3: 4 });
    expect(share(await fromBeyond(8012, NAT_VIP))).toEqual({ rs3: 8 });
  });

  it('sh and mh with fallback: everybody is served while rs2 drains or is dead', async () => {
    for (const port of [8002, 8003]) expect(share(await fromBeyond(port)), String(port)).toEqual({ rs1: 8 });
    await eventually(() => lab.sh('lvs1', 'ipvsadm -Sn'), (table) => table.includes(`${VIP}:8007 -r 192.168.0.28:8007 -g -w 0`));
    expect(share(await fromBeyond(8007))).toEqual({ rs1: 8 });
  });

  it('lblc instead of dh: a drained server\'s addresses move', async () => {
    const [server = ''] = await inTurn(8013, 1);
    await weigh(8013, server, 0);
    expect(share(await inTurn(8013, 4))).toEqual({ [other(server)]: 4 });
  });

  it('a health check takes the dead server out, and the living one serves though the other drains', async () => {
    await eventually(() => inTurn(8006, 8), (names) => share(names)['rs1'] === 8);
    await eventually(() => inTurn(8005, 8), (names) => share(names)['rs1'] === 8);
  });

  it('expire_quiescent_template: a persistent client leaves the drained server', async () => {
    const [server = ''] = await inTurn(8004, 1);
    await weigh(8004, server, 0);
    expect(share(await inTurn(8004, 4))).toEqual({ [other(server)]: 4 });
  });

  it('conn_reuse_mode 3, or expire_nodest_conn 1, each alone: a source port that is used again is a new connection', async () => {
    // Both are deployed, the second one for the sake of the persistent service.
    expect(await lab.sh('lvs1', 'cd /proc/sys/net/ipv4/vs; cat conn_reuse_mode expire_nodest_conn')).toBe('3\n1\n');
    const drained = async (localPort: number): Promise<string> => {
      const from = { localAddress: '10.9.0.2', localPort };
      const [server = ''] = await inTurn(8000, 1, from);
      await weigh(8000, server, 0);
      expect(share(await inTurn(8000, 3, from))).toEqual({ [other(server)]: 3 });
      return server;
    };
    await planted(
      () => lab.sh('lvs1', 'echo 1 >/proc/sys/net/ipv4/vs/conn_reuse_mode'),
      async () => weigh(8000, await drained(40003), 1),
      () => lab.sh('lvs1', 'echo 3 >/proc/sys/net/ipv4/vs/conn_reuse_mode'),
    );
    await planted(
      () => lab.sh('lvs1', 'echo 0 >/proc/sys/net/ipv4/vs/expire_nodest_conn'),
      async () => {
        const server = await drained(40002);
        await lab.sh('lvs1', `ipvsadm -d -t ${VIP}:8000 -r ${address(server)}:8000`);
        expect(share(await inTurn(8000, 1, { localAddress: '10.9.0.2', localPort: 40002 }))).toEqual({ [other(server)]: 1 });
      },
      () => lab.sh('lvs1', 'echo 1 >/proc/sys/net/ipv4/vs/expire_nodest_conn'),
    );
  });

  it('wrr looks at weights, ovf with room stays, fo with an order keeps to it', async () => {
    expect(share(await inTurn(8008, 8))).toEqual({ rs1: 6, rs2: 2 });
    expect(share(await lab.answersAtOnce(VIP, 8010, 4))).toEqual({ rs1: 4 });
    await lab.sh('lvs1', `ipvsadm -d -t ${VIP}:8009 -r 192.168.0.28:8009 && ipvsadm -a -t ${VIP}:8009 -r 192.168.0.28:8009 -g`);
    expect(share(await inTurn(8009, 4))).toEqual({ rs1: 4 });
  });
});
