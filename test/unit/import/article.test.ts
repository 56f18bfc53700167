import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { formatReport } from '../../../src/import/report-text.ts';
import { bugs, imported, texts, topologyOf } from './support.ts';

/** The commands of the article's three scripts and its keepalived.conf. */
async function fixture(name: string): Promise<string> {
  return readFile(path.join(import.meta.dirname, 'fixtures/article', name), 'utf8');
}

describe("the article's own configuration", () => {
  it('NAT: -g, both flushes and send_redirects on all alone are named, and it becomes NAT', async () => {
    const done = await imported({ 'lvs1@192.168.0.8=lvs_nat.sh': await fixture('lvs_nat.sh') });
    expect(bugs(done.notes)).toEqual(['gatewaying-for-nat lvs_nat.sh:10', 'gatewaying-for-nat lvs_nat.sh:9', 'iptables-flush lvs_nat.sh:4', 'ipvsadm-clear lvs_nat.sh:7', 'send-redirects-only-all lvs_nat.sh:3']);
    expect(done.sound).toBe(true);
    const topology = await topologyOf(done.text);
    const web = topology.services.get('web');
    expect(web).toMatchObject({ mode: 'nat', manager: 'script', vip: '172.16.254.200', port: 80, scheduler: 'wrr', directors: ['lvs1'] });
    expect(web?.realServers.map(({ address, port, weight }) => [address, port, weight])).toEqual([['192.168.0.18', 80, 1], ['192.168.0.28', 80, 1]]);
    expect(topology.natNetworks.get('inside')).toMatchObject({ network: '192.168.0.0/24', gateway: '192.168.0.8', masquerade: true });
    expect(done.text).toContain('# was -g (DR), a mistake: see the report');
    expect(texts(done.notes, 'not-understood')).toEqual([]);
  });

  it('DR: -C, ARP rules on lo alone and too late are named; the needless is left out with a reason', async () => {
    const done = await imported({ 'lvs1@192.168.0.8=lvs_dr.sh': await fixture('lvs_dr.sh'), 'lvs_dr_rs.sh': await fixture('lvs_dr_rs.sh') });
    expect(bugs(done.notes)).toEqual(['arp-only-lo lvs_dr_rs.sh:5', 'ipvsadm-clear lvs_dr.sh:7', 'vip-before-arp lvs_dr_rs.sh:3']);
    expect(texts(done.notes, 'changed')).toEqual(expect.arrayContaining(['route add -host $VIP dev eth0', 'route add -host $VIP dev lo', 'net.ipv4.ip_forward = 1']));
    expect(texts(done.notes, 'not-understood')).toEqual([]);
    const topology = await topologyOf(done.text);
    expect(topology.services.get('web')).toMatchObject({ mode: 'dr', manager: 'script', vip: '192.168.0.38', vipInterface: 'eth0' });
    expect([...topology.realServers.values()].map(({ address, vips }) => [address, vips.map(({ vip }) => vip)])).toEqual([['192.168.0.18', ['192.168.0.38']], ['192.168.0.28', ['192.168.0.38']]]);
  });

  it('keepalived, both directors: persistence_timeout 0 and nb_get_retry are named', async () => {
    const master = await fixture('keepalived.conf');
    const backup = master.replace('state MASTER', 'state BACKUP').replace('priority 100', 'priority 90');
    const done = await imported({ 'lvs1@192.168.0.48=master.conf': master, 'lvs2@192.168.0.58=backup.conf': backup });
    expect(bugs(done.notes)).toEqual(['backup', 'master'].flatMap((name) => [`nb-get-retry ${name}.conf:25`, `nb-get-retry ${name}.conf:34`, `persistence-timeout-0 ${name}.conf:19`]).sort());
    expect(texts(done.notes, 'not-understood')).toEqual([]);
    expect(done.sound).toBe(true);
    const topology = await topologyOf(done.text);
    expect(topology.pairs.get('VI_1')).toMatchObject({ interface: 'eth0', virtualRouterId: 51, members: [{ host: 'lvs1', priority: 100, address: '192.168.0.48' }, { host: 'lvs2', priority: 90 }], vips: [{ address: '192.168.0.38', prefix: 32 }] });
    const web = topology.services.get('web');
    expect(web).toMatchObject({ pair: 'VI_1', mode: 'dr', scheduler: 'rr', persistence: undefined, checkInterval: 6 });
    expect(web?.healthChecks).toMatchObject([{ type: 'tcp', connectTimeout: 10, retry: 3, delayBeforeRetry: 3 }]);
  });

  it('a password is a variable with a placeholder, in clear only when asked, and never in the report', async () => {
    const conf = await fixture('keepalived.conf');
    const files = { 'lvs1@192.168.0.48=a.conf': conf };
    const without = await imported(files);
    expect(without.text).not.toContain('1111');
    expect(without.text).toContain('vault_auth_pass_VI_1: CHANGEME');
    const shown = await imported(files, { withSecrets: true });
    expect((await topologyOf(shown.text)).pairs.get('VI_1')?.authPass).toBe('1111');
    for (const done of [without, shown]) expect(formatReport(done.notes)).not.toContain('1111');
  });

  it('ansible-inventory reads what comes out', async () => {
    const done = await imported({ 'lvs1@192.168.0.8=lvs_nat.sh': await fixture('lvs_nat.sh') });
    const file = path.join(done.dir, 'hosts.yml');
    await writeFile(file, done.text);
    const { stdout } = await promisify(execFile)('ansible-inventory', ['-i', file, '--list'], { env: { ...process.env, ANSIBLE_NOCOLOR: '1', ANSIBLE_HOME: path.join(done.dir, '.ansible') } });
    const listed = JSON.parse(stdout) as { _meta: { hostvars: Record<string, { ansible_host: string; lvs: { virtual_services: { web: Record<string, unknown> } } }> } };
    expect(Object.keys(listed._meta.hostvars).sort()).toEqual(['lvs1', 'rs1', 'rs2']);
    expect(listed._meta.hostvars['rs1']?.lvs.virtual_services.web).toMatchObject({ on: 'lvs1', mode: 'nat' });
  });
});
