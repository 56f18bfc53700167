import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { shellCommand } from '../../src/core/text/quote.ts';
import { ipvsFact, tableOf } from '../../src/facts/network/ipvs.ts';
import { ipvsCommands } from '../../src/lvs/ipvs/commands.ts';
import { compareTables } from '../../src/lvs/ipvs/table.ts';
import { type IpvsTable, serviceKey } from '../../src/lvs/ipvs/types.ts';
import { tables } from '../unit/lvs/ipvs/arbitrary.ts';
import { changedBy, lvsPlay, must, TestLab } from '../lab/support.ts';

const VIP = '192.168.0.38';
const PORTS = { rr: 8001, wrr: 8002, lc: 8003, wlc: 8004, lblc: 8005, lblcr: 8006, dh: 8007, sh: 8008, shPort: 8009, mh: 8010, sed: 8011, nq: 8012, fo: 8013, ovf: 8014, thresholds: 8015 } as const;
const CLIENTS = Array.from({ length: 8 }, (_, index) => `192.168.0.${String(200 + index)}`);

let lab: TestLab;
let site: string[];

/** Who answers requests that follow each other, each over when the next begins; '' for nobody. */
async function inTurn(port: number, count: number, options: { from?: string; vip?: string } = {}): Promise<string[]> {
  const from = options.from === undefined ? '' : `--interface ${options.from}`;
  const script = `i=0; while [ $i -lt ${String(count)} ]; do echo "$(curl -s -m 10 ${from} http://${options.vip ?? VIP}:${String(port)}/)"; i=$((i+1)); done`;
  return (await must(lab.client('sh', '-c', script))).stdout.replace(/\n$/, '').split('\n');
}

async function held(port: number, count: number): Promise<string[]> {
  return lab.answersAtOnce(VIP, port, count);
}

function share(names: readonly string[]): Record<string, number> {
  return { rs1: names.filter((name) => name === 'rs1').length, rs2: names.filter((name) => name === 'rs2').length };
}

beforeAll(async () => {
  lab = await TestLab.installed('schedulers', 'test/lab/fixtures/schedulers.yml');
  // Without the proof from outside: its connections would count here.
  site = ['playbooks/site.yml', '-i', lab.overlay, '-l', 'lvs1,rs1,rs2'];
  const web = `for port in ${Object.values(PORTS).join(' ')}; do busybox httpd -f -p $port -h /srv/www & done; wait`;
  for (const host of ['rs1', 'rs2']) await lab.sh(host, `mkdir -p /srv/www && echo ${host} >/srv/www/index.html && systemd-run -q --unit=web sh -c '${web}'`);
  const add = CLIENTS.map((client) => `ip address add ${client}/32 dev "$dev"`).join('; ');
  await must(lab.client('sh', '-c', `dev=$(ip -o -4 route get 192.168.0.18 | sed 's/.* dev \\([^ ]*\\) .*/\\1/'); ${add}`));
  await must(lvsPlay(['deploy', ...site]));
});

afterAll(async () => {
  await lab.down();
});

describe('connections in turn', () => {
  it('rr: exactly the same for each', async () => {
    expect(share(await inTurn(PORTS.rr, 20))).toEqual({ rs1: 10, rs2: 10 });
  });

  it('wrr: exactly 3 to 1 in whole rounds', async () => {
    expect(share(await inTurn(PORTS.wrr, 20))).toEqual({ rs1: 15, rs2: 5 });
  });

  // Closed connections stay in the table for two minutes and count, though 256 times less: the spread is even, give or take what is still open when the next comes.
  it('lc: the same for each, within 2 of 20', async () => {
    const { rs1 = 0, rs2 = 0 } = share(await inTurn(PORTS.lc, 20));
    expect(rs1 + rs2).toBe(20);
    expect(Math.abs(rs1 - 10)).toBeLessThanOrEqual(2);
  });

  it('wlc: 3 to 1, within 2 of 20', async () => {
    const { rs1 = 0, rs2 = 0 } = share(await inTurn(PORTS.wlc, 20));
    expect(rs1 + rs2).toBe(20);
    expect(Math.abs(rs1 - 15)).toBeLessThanOrEqual(2);
  });

  it('lblc, lblcr: one destination stays with one server, whoever asks', async () => {
    for (const port of [PORTS.lblc, PORTS.lblcr]) {
      const names = [...(await inTurn(port, 6)), ...(await inTurn(port, 6, { from: '192.168.0.201' }))];
      expect(new Set(names).size, names.join()).toBe(1);
      expect(names).not.toContain('');
    }
  });

  it('dh: one virtual IP stays with one server, whoever asks, and another has another', async () => {
    // Their hashes, hash_32(address, 8) in ip_vs_dh.c, are even and odd: with two servers that is one and the other.
    const servers = async (vip: string) => [...new Set((await Promise.all(CLIENTS.slice(0, 4).map((from) => inTurn(PORTS.dh, 3, { from, vip })))).flat())];
    const [one, other] = [await servers(VIP), await servers('192.168.0.40')];
    expect([one.length, other.length], [...one, 'and', ...other].join()).toEqual([1, 1]);
    expect([...one, ...other].sort()).toEqual(['rs1', 'rs2']);
  });

  it.each(['sh', 'mh'] as const)('%s: each client stays with one server, and clients are spread', async (scheduler) => {
    const names = await Promise.all(CLIENTS.map((from) => inTurn(PORTS[scheduler], 4, { from })));
    for (const [index, own] of names.entries()) expect(new Set(own).size, `${CLIENTS[index] ?? ''}: ${own.join()}`).toBe(1);
    expect([...new Set(names.flat())].sort()).toEqual(['rs1', 'rs2']);
  });

  it('sh with sh-port: a client of many ports is spread', async () => {
    expect([...new Set(await inTurn(PORTS.shPort, 20))].sort()).toEqual(['rs1', 'rs2']);
  });

  it('sed: with nothing held, the strongest has the shortest delay', async () => {
    expect(share(await inTurn(PORTS.sed, 8))).toEqual({ rs1: 8, rs2: 0 });
  });

  it('fo: the highest weight takes all; when it is drained the next does, until it is back', async () => {
    expect(share(await inTurn(PORTS.fo, 8))).toEqual({ rs1: 8, rs2: 0 });
    await lab.sh('lvs1', `ipvsadm -e -t ${VIP}:${String(PORTS.fo)} -r 192.168.0.18:${String(PORTS.fo)} -g -w 0`);
    expect(share(await inTurn(PORTS.fo, 8))).toEqual({ rs1: 0, rs2: 8 });
    // The drift is mended by a deploy, as one edit.
    expect(await changedBy(...site)).toEqual([`lvs1 ipvs TCP ${VIP}:${String(PORTS.fo)} rs1 192.168.0.18:${String(PORTS.fo)}`]);
    expect(share(await inTurn(PORTS.fo, 8))).toEqual({ rs1: 8, rs2: 0 });
  });
});

describe('connections held open', () => {
  it('sed: the shortest expected delay, (connections + 1) / weight: 6 to 2, within 1 of 8', async () => {
    const { rs1 = 0, rs2 = 0 } = share(await held(PORTS.sed, 8));
    expect(rs1 + rs2).toBe(8);
    expect(Math.abs(rs1 - 6)).toBeLessThanOrEqual(1);
  });

  it('nq: an idle server is never passed over', async () => {
    expect(share(await held(PORTS.nq, 2))).toEqual({ rs1: 1, rs2: 1 });
  });

  it('ovf: the highest weight until it holds more connections than that, then the next', async () => {
    expect(await held(PORTS.ovf, 6)).toEqual(['rs1', 'rs1', 'rs1', 'rs1', 'rs2', 'rs2']);
  });

  it('lblc: moves on when its server holds more than its weight and another is half idle', async () => {
    const names = await held(PORTS.lblc, 7);
    expect(new Set(names.slice(0, 5)).size, names.join()).toBe(1);
    expect([...new Set(names)].sort()).toEqual(['rs1', 'rs2']);
  });

  it('an upper threshold sends the next to another server', async () => {
    expect(await held(PORTS.thresholds, 4)).toEqual(['rs1', 'rs1', 'rs2', 'rs2']);
  });
});

describe('the real ipvsadm and the real kernel', () => {
  it('a second deploy of all schedulers changes nothing', async () => {
    expect((await lvsPlay(['plan', ...site, '--detailed-exitcode'])).code).toBe(0);
  });

  it('take every command, and then hold the expected table: services of all kinds and options', async () => {
    const samples = fc.sample(tables, { numRuns: 12, seed: 7 });
    const steps = [...samples, { services: [] }].map((expected, index) => ({ expected, commands: commandsBetween(samples[index - 1] ?? { services: [] }, expected) }));
    const before = await lab.sh('lvs1', 'ipvsadm -Sn');
    const script = steps.map(({ commands }) => `{ ${commands.map((argv) => `${shellCommand(['ipvsadm', ...argv])} || echo ${shellCommand(['refused:', ...argv])}`).join('; ') || ':'}; } 2>&1\necho ---- table\n(${ipvsFact.script(['table'])})\necho ---- next`).join('\n');
    const said = (await lab.sh('lvs1', script)).split('---- next\n').slice(0, steps.length);
    expect(said).toHaveLength(steps.length);
    for (const [index, text] of said.entries()) {
      const [complaints, output = ''] = text.split('---- table\n');
      expect(complaints).toBe('');
      const state = ipvsFact.parse(Buffer.from(output), ['table']).get('table');
      const expected = steps[index]?.expected ?? { services: [] };
      const real = state === undefined ? { services: [] } : { services: tableOf(state).services.filter((service) => ![VIP, '192.168.0.40'].includes(service.address)) };
      expect(compareTables(expected, real)).toEqual([]);
      expect(commandsBetween(real, expected)).toEqual([]);
    }
    expect(await lab.sh('lvs1', 'ipvsadm -Sn')).toBe(before);
  });
});

function commandsBetween(from: IpvsTable, to: IpvsTable): (readonly string[])[] {
  return ipvsCommands(to, from, new Set(from.services.map(serviceKey))).map(({ argv }) => argv);
}
