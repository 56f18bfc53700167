import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changedBy, eventually, lvsPlay, must, TestLab } from '../lab/support.ts';

const FIRST = '192.168.0.38';
const EXCLUDED = '192.168.0.39';
const SECOND = '192.168.0.40';
const VIRTUAL_MAC = '00:00:5e:00:01:3e';
const ADDRESSES = { rs1: '192.168.0.18', rs2: '192.168.0.28' } as const;
/** Services whose servers are asked, by what ends their well-being. */
const SERVICES = { web: 't 80', tls: 't 443', mail: 't 25', names: 'u 53', echo: 'u 7', pinged: 't 81', watched: 't 82', several: 't 83' } as const;

let lab: TestLab;
let site: string[];

/** Which real servers each service has in a director's table, those of weight 0 with a 0: `web rs1 rs2`. */
async function table(director: string): Promise<Record<string, string>> {
  const saved = await lab.sh(director, 'ipvsadm -Sn');
  return Object.fromEntries(
    Object.entries(SERVICES).map(([name, service]) => {
      const [protocol = '', port = ''] = service.split(' ');
      const servers = Object.entries(ADDRESSES).flatMap(([host, address]) => {
        const line = new RegExp(`^-a -${protocol} ${FIRST}:${port} -r ${address}:${port} -g -w (\\d+)`, 'm').exec(saved);
        return line === null ? [] : [line[1] === '0' ? `${host}=0` : host];
      });
      return [name, servers.join(' ')];
    }),
  );
}

const ALL = Object.fromEntries(Object.keys(SERVICES).map((name) => [name, 'rs1 rs2']));

async function tablesAre(expected: Record<string, string>): Promise<void> {
  for (const director of ['lvs1', 'lvs2']) {
    const seen = await eventually(() => table(director), (now) => JSON.stringify(now) === JSON.stringify(expected));
    expect(seen, director).toEqual(expected);
  }
}

/** Who holds the pairs' first addresses, in this order. */
async function holders(): Promise<string> {
  const shown = await Promise.all(['lvs1', 'lvs2'].map(async (host) => ({ host, addresses: await lab.sh(host, 'ip -o -4 address show') })));
  return [FIRST, SECOND].map((vip) => shown.filter(({ addresses }) => addresses.includes(` ${vip}/`)).map(({ host }) => host).join('+')).join();
}

async function heldBy(expected: string): Promise<void> {
  await eventually(holders, (now) => now === expected);
}

/** Every address answers, by whomever it is held. */
async function bothServe(): Promise<void> {
  for (const vip of [FIRST, SECOND]) {
    await eventually(() => lab.answers(vip, 4), (names) => [...new Set(names)].sort().join() === 'rs1,rs2');
  }
}

beforeAll(async () => {
  lab = await TestLab.installed('active-active', 'test/lab/fixtures/active-active.yml');
  site = ['playbooks/site.yml', '-i', lab.overlay];
  const responders = await readFile('test/lab/fixtures/responders.py', 'utf8');
  for (const host of ['rs1', 'rs2']) {
    await lab.sh(host, `cat >/srv/responders.py <<'END'\n${responders}\nEND
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /srv/key -out /srv/cert -days 1 -subj /CN=${host} 2>/dev/null
      systemd-run -q --unit=responders python3 /srv/responders.py
      systemd-run -q --unit=tls openssl s_server -quiet -accept 443 -key /srv/key -cert /srv/cert -www`);
  }
  // The other ends of the directors' BFD sessions, and what the first pair watches.
  const session = (name: string, neighbor: string): string => `bfd_instance ${name} { neighbor_ip ${neighbor} min_rx 200 min_tx 200 multiplier 3 }`;
  await lab.sh('rs1', `mkdir -p /etc/keepalived; printf '%s\\n' '${session('lvs1', '192.168.0.48')}' '${session('lvs2', '192.168.0.58')}' >/etc/keepalived/keepalived.conf
    DEBIAN_FRONTEND=noninteractive apt-get -qq update && apt-get -qq install -y keepalived >/dev/null 2>&1; systemctl restart keepalived`);
  for (const host of ['lvs1', 'lvs2']) {
    await lab.sh(host, `printf '%s\\n' '[Unit]' Before=keepalived.service '[Service]' Type=oneshot 'ExecStart=/bin/sh -c "ip link add spare0 type dummy; ip link set spare0 up; echo 0 >/run/lean"' '[Install]' WantedBy=multi-user.target >/etc/systemd/system/watched.service
      systemctl enable -q --now watched`);
  }
  await must(lvsPlay(['deploy', ...site]));
  // Without preemption the second stays with whichever keepalived was started first, until that one gives it up.
  await lab.held('lvs1', FIRST);
  await lab.sh('lvs1', 'systemctl stop keepalived');
  await heldBy('lvs2,lvs2');
  await lab.sh('lvs1', 'systemctl start keepalived');
  await heldBy('lvs1,lvs2');
  await tablesAre(ALL);
});

afterAll(async () => {
  await lab.down();
});

describe('two pairs, crossed', () => {
  it('each director holds one address, both serve, and nothing is left to do', async () => {
    await bothServe();
    expect(await changedBy(...site)).toEqual([]);
    const verified = await lvsPlay(['verify', '-i', lab.overlay]);
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  });

  it('the excluded address, the routes and the rules are where the MASTER is', async () => {
    for (const [host, count] of [['lvs1', 1], ['lvs2', 0]] as const) {
      expect((await lab.sh(host, 'ip -o -4 address show')).split(` ${EXCLUDED}/`).length - 1, host).toBe(count);
      expect((await lab.sh(host, 'ip route show 10.9.0.0/24')).includes(' via 192.168.0.28 '), host).toBe(count === 1);
      expect((await lab.sh(host, 'ip rule show')).includes('from 10.9.0.0/24 lookup 100'), host).toBe(count === 1);
    }
  });

  it('the virtual MAC address answers for the second', async () => {
    const asked = await must(lab.client('arping', '-c', '2', '-I', 'br0', SECOND));
    expect(new Set([...asked.stdout.matchAll(/\[([0-9A-F:]{17})\]/gi)].map(([, mac = '']) => mac.toLowerCase()))).toEqual(new Set([VIRTUAL_MAC]));
  });
});

describe('health checks', () => {
  it('every one of them takes out a server that is silent, and only where it is asked', async () => {
    await lab.sh('rs1', 'systemctl stop responders tls keepalived 2>/dev/null; sysctl -qw net.ipv4.icmp_echo_ignore_all=1');
    await tablesAre({ ...Object.fromEntries(Object.keys(SERVICES).map((name) => [name, 'rs2'])), several: 'rs1=0 rs2' });
    expect([...new Set(await lab.answers(FIRST, 6))]).toEqual(['rs2']);
    await lab.sh('rs1', `sysctl -qw net.ipv4.icmp_echo_ignore_all=0; systemctl start keepalived
      systemd-run -q --unit=responders python3 /srv/responders.py; systemd-run -q --unit=tls openssl s_server -quiet -accept 443 -key /srv/key -cert /srv/cert -www`);
    await tablesAre(ALL);
  });

  it('an answer that is wrong is none: 500, 421, SERVFAIL, no echo', async () => {
    await lab.sh('rs2', 'touch /run/sick');
    await tablesAre({ ...ALL, web: 'rs1', mail: 'rs1', names: 'rs1', echo: 'rs1' });
    await lab.sh('rs2', 'rm /run/sick');
    await tablesAre(ALL);
  });
});

describe('who is MASTER', () => {
  it.each([
    ['a file of weight -20', 'echo 1 >/run/lean', 'echo 0 >/run/lean'],
    ['an interface that went down', 'ip link set spare0 down', 'ip link set spare0 up'],
  ])('%s moves the first pair and not the second, and back', async (_what, fault, cure) => {
    await lab.sh('lvs1', fault);
    await heldBy('lvs2,lvs2');
    await lab.sh('lvs1', cure);
    await heldBy('lvs1,lvs2');
  });

  it('a director that crashed: the other serves both; back again, it takes what it prefers, and leaves what must not be preempted', async () => {
    await lab.fault('crash', 'lvs2');
    await heldByLeft('lvs1');
    await bothServe();
    const asked = await must(lab.client('arping', '-c', '2', '-I', 'br0', SECOND));
    expect(asked.stdout.toLowerCase()).toContain(VIRTUAL_MAC);
    await lab.fault('boot', 'lvs2');
    await eventually(() => lab.sh('lvs2', 'systemctl is-active keepalived || true'), (state) => state.trim() === 'active');
    // It is there again, sees the other's adverts, and stays BACKUP.
    await eventually(() => lab.sh('lvs2', 'journalctl -u keepalived --no-pager'), (log) => log.includes('(second) Entering BACKUP STATE'));
    await heldBy('lvs1,lvs1');
    await bothServe();
  });
});

/** As `heldBy`, while the other director is off. */
async function heldByLeft(director: string): Promise<void> {
  await eventually(() => lab.sh(director, 'ip -o -4 address show'), (shown) => [FIRST, SECOND].every((vip) => shown.includes(` ${vip}/`)));
}
