import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { changesIn, firstDeploy } from '../lab/first-deploy.ts';
import { TestLab } from '../lab/support.ts';

type Task = Readonly<Record<string, unknown>>;

/** A task, and what has to be done before it, by name: order is free but for that. Of one subject there is one task at most, as two would contradict each other. */
interface Piece {
  readonly task: Task;
  readonly after?: readonly string[];
  readonly subject?: string;
}

const file = (dest: string, content: string, more: Task = {}): Task => ({ copy: { dest, content, mode: '0644' }, ...more });

const ANYWHERE: Readonly<Record<string, Piece>> = {
  ipset: { task: { package: { name: 'ipset' } } },
  tools: { task: { package: { name: ['conntrack', 'arptables'] } } },
  ipvsadm: { task: { package: { name: 'ipvsadm' } } },
  nginx: { task: { package: { name: 'nginx-light' } } },
  cron: { task: { package: { name: 'cron', start_services: true } } },
  gone: { task: { package: { name: 'tcpdump', state: 'absent' } } },
  newest: { task: { package: { name: ['curl', 'rsyslog'], state: 'latest' } } },
  ip_vs: { task: { kernel_module: { name: 'ip_vs', persistent: 'present' } } },
  dummy: { task: { kernel_module: { name: 'dummy' } } },
  ipip: { task: { kernel_module: { name: 'ipip', persistent: 'present' } } },
  forward: { task: { sysctl: { name: 'net.ipv4.ip_forward', value: 1 } } },
  silent: { task: { sysctl: { name: 'net.ipv4.conf.all.arp_announce', value: 2 } } },
  reuse: { task: { sysctl: { name: 'net.ipv4.vs.conn_reuse_mode', value: 3 } }, after: ['ip_vs'] },
  // The kernel already sets this when the module loads, so the task only has to persist it.
  default: { task: { sysctl: { name: 'net.ipv4.vs.expire_nodest_conn', value: 0 } }, after: ['ip_vs'] },
  tunnels: { task: { sysctl: { name: 'net.ipv4.conf.tunl0.rp_filter', value: 0 } }, after: ['ipip'] },
  motd: { task: file('/etc/lvs-play-motd', 'ask first\n') },
  folder: { task: { file: { path: '/srv/generated', state: 'directory', mode: '0750' } } },
  inside: { task: file('/srv/generated/page', 'page\n'), after: ['folder'] },
  link: { task: { file: { path: '/etc/lvs-play-link', state: 'link', src: '/etc/lvs-play-motd' } } },
  site: { task: file('/etc/nginx/conf.d/generated.conf', 'server { listen 8088; root /var/www/html; }\n'), after: ['nginx'] },
  // The handler starts what does not run.
  notifies: { task: file('/etc/nginx/conf.d/notified.conf', 'server { listen 8089; root /var/www/html; }\n', { notify: 'Reload nginx' }), after: ['web'] },
  // Both are there from the package on, as it brings them.
  brought: { task: { file: { path: '/etc/nginx/nginx.conf', mode: '0644', owner: 'root' } }, after: ['nginx'] },
  stricter: { task: { file: { path: '/etc/nginx/mime.types', mode: '0600' } }, after: ['nginx'] },
  unused: { task: { file: { path: '/etc/nginx/sites-enabled/default', state: 'absent' } }, after: ['nginx'] },
  web: { task: { service: { name: 'nginx', state: 'started', enabled: true } }, after: ['nginx'], subject: 'nginx.service' },
  noWeb: { task: { service: { name: 'nginx', state: 'stopped', enabled: false } }, after: ['nginx'], subject: 'nginx.service' },
  masked: { task: { service: { name: 'nginx', masked: true, state: 'stopped' } }, after: ['nginx'], subject: 'nginx.service' },
  table: { task: { service: { name: 'ipvsadm', enabled: true } }, after: ['ipvsadm'] },
  timer: { task: { service: { name: 'cron', state: 'started', enabled: true } }, after: ['cron'] },
  unit: { task: file('/etc/systemd/system/generated.service', '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n') },
  run: { task: { service: { name: 'generated', state: 'started', enabled: true } }, after: ['unit'] },
  address: { task: { ip_address: { interface: 'lo', address: '192.0.2.7/32' } } },
  // A device that comes with its module.
  tunnelAddress: { task: { ip_address: { interface: 'tunl0', address: '192.0.2.8/32', persistent: false } }, after: ['ipip'] },
  service: { task: { ipvs: { service: '192.0.2.9:99', scheduler: 'rr', real_servers: [{ server: '192.0.2.10' }] } }, after: ['ip_vs', 'ipvsadm'] },
  once: { task: { command: { cmd: 'touch /srv/once', creates: '/srv/once' } } },
  done: { task: { shell: { cmd: 'touch /srv/never', creates: '/etc/passwd' } } },
  asks: { task: { command: 'cat /proc/net/dev', changed_when: false } },
};

const DIRECTOR: Readonly<Record<string, Piece>> = {
  keepalived: { task: { package: { name: 'keepalived' } } },
  scripts: { task: { lvs_scripts: {} } },
  director: { task: { lvs_director: {} }, after: ['ip_vs', 'ipvsadm'] },
  firewall: { task: { lvs_firewall: {} } },
  configuration: { task: { keepalived: {} }, after: ['keepalived', 'ip_vs'] },
  daemon: { task: { service: { name: 'keepalived', state: 'started', enabled: true } }, after: ['configuration'] },
};

const REAL_SERVER: Readonly<Record<string, Piece>> = { silence: { task: { lvs_real_server: {} } }, gateway: { task: { lvs_gateway: {} } } };

/** A playbook for one host: tasks in an order that is as free as they allow. The same seed gives the same one. */
function generatedPlaybook(seed: number, host: string, isDirector: boolean): string {
  const pieces = { ...ANYWHERE, ...(isDirector ? DIRECTOR : REAL_SERVER) };
  const [chosen = []] = fc.sample(fc.shuffledSubarray(Object.keys(pieces), { minLength: 8, maxLength: 16 }), { seed, numRuns: 1 });
  const order: string[] = [];
  const subjects = new Set<string>();
  /** Whether it is in the playbook now. */
  const add = (name: string): boolean => {
    const piece = pieces[name];
    if (piece === undefined) throw new Error(`no piece ${name}`);
    if (order.includes(name)) return true;
    if ((piece.subject !== undefined && subjects.has(piece.subject)) || !(piece.after ?? []).every(add)) return false;
    if (piece.subject !== undefined) subjects.add(piece.subject);
    order.push(name);
    return true;
  };
  for (const name of chosen) add(name);
  return stringify([
    {
      name: `Generated ${String(seed)}`,
      hosts: host,
      gather_facts: false,
      become: true,
      tasks: order.map((name) => ({ name, ...pieces[name]?.task })),
      handlers: [{ name: 'Reload nginx', service: { name: 'nginx', state: 'reloaded' } }],
    },
  ]);
}

/** Members of a pair are not changed by two runs at a time. */
const HOSTS = ['lvs1', 'rs1', 'rs2'] as const;

/** How many, a multiple of the hosts; seeds count from 1. */
const PLAYBOOKS = 33;

describe('saved plans of generated playbooks, each for a bare host', () => {
  let lab: TestLab;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-generated-'));
    lab = await TestLab.up('generated', 'inventories/dr-keepalived-pair/hosts.yml');
  });

  afterAll(async () => {
    await lab.down();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(Array.from({ length: PLAYBOOKS / HOSTS.length }, (_, index) => index + 1))('round %i: carried out as planned, and nothing is left', async (round) => {
    if (round > 1) await lab.bare(HOSTS);
    const seeds = HOSTS.map((host, index) => ({ host, seed: (round - 1) * HOSTS.length + index + 1 }));
    const played = await Promise.allSettled(
      seeds.map(async ({ host, seed }) => {
        const file = path.join(folder, `${String(seed)}.yml`);
        await writeFile(file, generatedPlaybook(seed, host, host.startsWith('lvs')));
        return firstDeploy(lab, [host], file);
      }),
    );
    const failures = played.flatMap((result, index) => {
      const which = `seed ${String(seeds[index]?.seed)} on ${String(seeds[index]?.host)}`;
      if (result.status === 'rejected') return [`${which}: ${String(result.reason)}`];
      return changesIn(result.value.planned) > 0 ? [] : [`${which} changes nothing`];
    });
    expect(failures).toEqual([]);
  });
});
