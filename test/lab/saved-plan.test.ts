import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployedPair } from './deployed.ts';
import { type CliResult, eventually, lvsPlay, must, type RunDocument, scratch, startLvsPlay, STATE_SCRIPT, type TestLab } from './support.ts';

const VIP = '192.168.0.38';
const HOSTS = ['lvs1', 'lvs2', 'rs1', 'rs2'] as const;
const HELD = 12;
/** Long enough that nobody guesses it, and in nobody's plan. */
const SECRET = 'Trudelmaus-4711';

/** The example's pair, persistent so that templates can be counted. */
function cluster(weights: Readonly<Record<string, number>>, more: Readonly<Record<string, unknown>> = {}): string {
  const servers = Object.fromEntries(Object.entries(weights).map(([host, weight]) => [host, { weight }]));
  return JSON.stringify({
    all: {
      children: {
        directors: { hosts: { lvs1: { ansible_host: '192.168.0.48' }, lvs2: { ansible_host: '192.168.0.58' } } },
        real_servers: { hosts: { rs1: { ansible_host: '192.168.0.18' }, rs2: { ansible_host: '192.168.0.28' } } },
      },
      vars: {
        ...more,
        lvs: {
          ha_pairs: { edge: { members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }, interface: 'eth0', virtual_router_id: 51, vips: [VIP] } },
          virtual_services: {
            web: { on: 'edge', address: `${VIP}:80`, mode: 'dr', scheduler: 'rr', persistence: 300, check_interval: 3, real_servers: servers, health_check: { type: 'tcp', connect_timeout: 3, retry: 1, delay_before_retry: 1 } },
          },
        },
      },
    },
  });
}

/** Holds connections open for as long as a file is there. */
const HOLD = `
const net = require('node:net');
const { existsSync } = require('node:fs');
const [host, count, file] = process.argv.slice(1);
const open = () => new Promise((resolve, reject) => { const socket = net.connect(80, host, () => resolve(socket)); socket.on('error', reject); });
(async () => {
  for (let i = 0; i < Number(count); i++) await open();
  setInterval(() => { if (!existsSync(file)) process.exit(0); }, 200);
})();
`;

let lab: TestLab;
let files: { dir: string; remove: () => Promise<void> };
let env: Record<string, string>;
let inventory: string;

const at = (name: string): string => path.join(files.dir, name);
const run = (...args: string[]): Promise<CliResult> => lvsPlay(args, { env });

/** What a plan or a run would change or did, in its order for each host. */
function changeSet(document: Pick<RunDocument, 'tasks'>): string[] {
  return document.tasks.flatMap((task) => task.changes.map((change) => `${task.host} ${task.id} ${change.path} -> ${JSON.stringify(change.after)}`)).sort();
}

async function state(): Promise<Record<string, string>> {
  // Where IPVS is not loaded, ipvsadm would load it: a change of its own.
  const script = `${STATE_SCRIPT}; [ ! -r /proc/net/ip_vs ] || ipvsadm -Sn; ls -A /var/lib/lvs-play/runs 2>/dev/null; :`;
  return lab.shOn(HOSTS, script);
}

beforeAll(async () => {
  lab = await deployedPair('savedplan');
  files = await scratch({
    'note.txt': 'first\n',
    'change.yml': [
      `- import_playbook: ${path.resolve('playbooks/site.yml')}`,
      '- hosts: rs1',
      '  gather_facts: false',
      '  become: true',
      '  tasks:',
      '    - copy: { src: note.txt, dest: /etc/lvs-play-note }',
      '    - copy: { dest: /etc/lvs-play-key, content: "{{ app_password }}\\n", mode: "0600" }',
      '    - copy: { dest: /etc/lvs-play-quiet, content: "{{ quiet }}\\n", mode: "0600" }',
      '      no_log: true',
      '',
    ].join('\n'),
  });
  env = { XDG_STATE_HOME: await mkdtemp(path.join(os.tmpdir(), 'lvs-play-test-')) };
  inventory = await lab.inventory(cluster({ rs1: 1, rs2: 1 }));
  await must(run('deploy', 'playbooks/demo.yml', '-i', inventory));
  await lab.held('lvs1', VIP);
});

afterAll(async () => {
  await lab.down();
  await files.remove();
  await rm(env['XDG_STATE_HOME'] ?? '', { recursive: true, force: true });
});

describe('a saved plan', () => {
  const secrets = (): string[] => ['-e', `app_password=${SECRET}`, '-e', 'quiet=psst-and-hush'];
  const apply = (...more: string[]): Promise<CliResult> => run('apply', at('change.plan'), ...secrets(), ...more);
  let planned: RunDocument & { impactText: string[] };
  let before: Record<string, string>;

  it('is made with one request a host, expires, and holds no secret', async () => {
    await writeFile(path.join(inventory, 'hosts.yml'), cluster({ rs1: 1, rs2: 3 }));
    const made = await must(run('plan', at('change.yml'), '-i', inventory, ...secrets(), '-o', at('change.plan'), '--json'));
    planned = JSON.parse(made.stdout) as typeof planned;
    for (const host of HOSTS) expect(planned.stats[host], host).toMatchObject({ connections: 1, requests: 1 });
    expect(planned.impactText.join('\n')).toMatch(/web: changes weights.*\nedge: no election; the virtual IPs stay on lvs1\nreloads keepalived on lvs2, lvs1/);
    const text = await readFile(at('change.plan'), 'utf8');
    for (const secret of [SECRET, 'psst-and-hush']) expect(text).not.toContain(secret);
    const shown = JSON.parse((await must(run('show', at('change.plan'), '--json'))).stdout) as { expiresAt: string; createdAt: string; plan: { plays: { tasks: { host: string; task: { id: string }; changes: { path: string }[] }[] }[] } };
    expect(Date.parse(shown.expiresAt) - Date.parse(shown.createdAt)).toBe(24 * 3600 * 1000);
    before = await state();
  });

  it.each([
    ['a sysctl', 'lvs1', 'sysctl -qw net.ipv4.vs.conn_reuse_mode=1', 'sysctl -qw net.ipv4.vs.conn_reuse_mode=3', /lvs1: sysctl net\.ipv4\.vs\.conn_reuse_mode was 3, is 1\n/],
    ['a weight', 'lvs1', `ipvsadm -e -t ${VIP}:80 -r 192.168.0.18:80 -g -w 5`, `ipvsadm -e -t ${VIP}:80 -r 192.168.0.18:80 -g -w 1`, /lvs1: IPVS TCP 192\.168\.0\.38:80 -> rs1 weight was 1, is 5\n/],
    ['a file', 'lvs2', 'cp -p /etc/keepalived/keepalived.conf /root/kept; echo "# mine" >>/etc/keepalived/keepalived.conf', 'cat /root/kept >/etc/keepalived/keepalived.conf; touch -r /root/kept /etc/keepalived/keepalived.conf; rm /root/kept', /lvs2: content of \/etc\/keepalived\/keepalived\.conf changed\n/],
  ])('is refused when %s was changed on a host, which is named', async (_what, host, change, undo, said) => {
    await lab.sh(host, change);
    const refused = await apply();
    await lab.sh(host, undo);
    expect(refused.code, refused.stderr).toBe(1);
    expect(refused.stderr).toMatch(said);
    expect(refused.stderr.match(/^error:/gm)).toHaveLength(1);
  });

  it('is refused when the inventory, the playbook or a file of it was changed, together with what changed on hosts', async () => {
    const places = [path.join(inventory, 'hosts.yml'), at('change.yml'), at('note.txt')];
    const texts = await Promise.all(places.map((place) => readFile(place, 'utf8')));
    for (const place of places) await appendFile(place, '\n');
    await lab.sh('lvs1', 'sysctl -qw net.ipv4.vs.conn_reuse_mode=1');
    const tampered = await state();
    const refused = await apply();
    expect(refused.code, refused.stderr).toBe(1);
    for (const place of places) expect(refused.stderr).toContain(`${place} changed`);
    expect(refused.stderr).toContain('conn_reuse_mode was 3, is 1');
    expect(refused.stderr.match(/^error:/gm)).toHaveLength(4);
    expect(await state()).toEqual(tampered);
    for (const [index, place] of places.entries()) await writeFile(place, texts[index] ?? '');
    await lab.sh('lvs1', 'sysctl -qw net.ipv4.vs.conn_reuse_mode=3');
  });

  it('is refused without the variables that it does not keep, or with other ones; and none of all that changed anything', async () => {
    expect((await run('apply', at('change.plan'))).stderr).toContain('-e app_password=... -e quiet=...');
    const other = await run('apply', at('change.plan'), '-e', 'app_password=another-one', '-e', 'quiet=psst-and-hush');
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('-e app_password has another value');
    expect(await state()).toEqual(before);
    expect(existsSync(at('change.plan.applied'))).toBe(false);
  });

  it('is carried out exactly, once', async () => {
    const applied = JSON.parse((await must(apply('--json'))).stdout) as RunDocument;
    const list = changeSet(applied);
    expect(list).toEqual(changeSet(planned));
    expect(list.length).toBeGreaterThanOrEqual(5);
    expect(await lab.sh('lvs1', 'ipvsadm -Sn')).toMatch(/-r 192\.168\.0\.28:80 -g -w 3/);
    expect(await lab.sh('rs1', 'cat /etc/lvs-play-note /etc/lvs-play-key')).toBe(`first\n${SECRET}`);
    expect((await run('plan', at('change.yml'), '-i', inventory, ...secrets(), '--detailed-exitcode')).code).toBe(0);
    const again = await apply();
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/it was carried out at \S+ already, by run \S+/);
  });
});

describe('what a plan costs', () => {
  it('counts the connections and templates that are there', async () => {
    await writeFile(at('hold'), '');
    const holding = startLvsPlay(['lab', 'run', '--name', lab.name, '--', process.execPath, '-e', HOLD, VIP, String(HELD), at('hold')]);
    try {
      const counts = await eventually(() => lab.sh('lvs1', `ipvsadm -Ln -t ${VIP}:80`), (text) => text.split('\n').some((line) => Number(line.trim().split(/\s+/)[4]) === HELD));
      const address = counts.split('\n').map((line) => line.trim().split(/\s+/)).find((words) => words[4] === String(HELD))?.[1] ?? '';
      const [busy, other] = address.startsWith('192.168.0.18') ? (['rs1', 'rs2'] as const) : (['rs2', 'rs1'] as const);
      const smaller = await lab.inventory(cluster({ [other]: 1 }));
      const plan = JSON.parse((await must(run('plan', 'playbooks/site.yml', '-i', smaller, '--json'))).stdout) as { impact: { services: { gone: object[]; countedOn: string }[] }; impactText: string[]; guards: object[] };
      expect(plan.impact.services[0]).toMatchObject({ service: 'web', countedOn: 'lvs1', gone: [{ server: busy, how: 'removed', active: HELD, templates: 1 }], now: { servers: 2 }, after: { servers: 1 }, afterOneMore: 'nobody' });
      expect(plan.impactText[0]).toMatch(new RegExp(`^web: removes ${busy}: ${String(HELD)} active connections,.* 1 persistence template; 1 of 2 real servers left \\(\\d+ % of the weight\\); when one more fails nobody answers$`));
      expect(plan.guards).toEqual([]);
    } finally {
      await rm(at('hold'));
      await holding.result;
    }
  });
});

describe('guards', () => {
  const runs = async (): Promise<{ reason?: string; allowed: string[] }[]> => {
    const dir = path.join(env['XDG_STATE_HOME'] ?? '', 'lvs-play', 'runs');
    return Promise.all((await readdir(dir)).sort().map(async (id) => JSON.parse(await readFile(path.join(dir, id, 'run.json'), 'utf8')) as { reason?: string; allowed: string[] }));
  };

  it('refuse what takes too much away, change nothing, and let it pass with a reason that the journal keeps', async () => {
    const careful = await lab.inventory(cluster({ rs1: 0, rs2: 3 }, { lvs_guards: { removed_share: '40%' } }));
    const deploy = (...more: string[]): Promise<CliResult> => run('deploy', 'playbooks/site.yml', '-i', careful, '-l', 'lvs_directors', ...more);
    const before = await state();
    const refused = await deploy();
    expect(refused.code, refused.stderr).toBe(1);
    expect(refused.stderr).toContain('guard removed-share: web: 1 of 2 real servers would be taken out (50 %, more than 40 %)');
    expect((await deploy('--allow', 'removed-share')).code).toBe(5);
    expect(await state()).toEqual(before);
    const allowed = await deploy('--allow', 'removed-share', '--reason', 'rs1 moves');
    expect(allowed.code, allowed.stderr).toBe(0);
    expect(await lab.sh('lvs1', 'ipvsadm -Sn')).toMatch(/-r 192\.168\.0\.18:80 -g -w 0/);
    expect((await runs()).at(-1)).toMatchObject({ reason: 'rs1 moves', allowed: [expect.stringMatching(/^removed-share: web/)] });
  });

  it('refuse the removal of every service', async () => {
    const gone = JSON.parse(cluster({ rs1: 1 })) as { all: { vars: { lvs: { virtual_services: object } } } };
    gone.all.vars.lvs.virtual_services = {};
    const refused = await run('deploy', 'playbooks/site.yml', '-i', await lab.inventory(JSON.stringify(gone)));
    expect(refused.code, refused.stderr).toBe(1);
    expect(refused.stderr).toContain(`guard all-services: edge: every virtual service would be removed (TCP ${VIP}:80)`);
  });
});
