import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changedBy, eventually, lvsPlay, must, TestLab, wholeState } from './support.ts';

const VIP = '192.168.0.38';
const UPLOAD = 300_000;

/** Answers with its name and how many bytes it was sent; on /large with 200 kB behind that. */
const SERVER = `use IO::Socket::INET; $SIG{CHLD} = 'IGNORE';
my $name = $ARGV[0];
my $listener = IO::Socket::INET->new(LocalPort => 80, Listen => 50, ReuseAddr => 1) or die;
while (1) {
  my $client = $listener->accept or next;
  if (fork) { close $client; next }
  my ($request, $length, $got) = (scalar <$client>, 0, 0);
  while (defined(my $line = <$client>)) { last if $line =~ /^\\r?$/; $length = $1 if $line =~ /^content-length: (\\d+)/i }
  while ($got < $length) { my $n = read($client, my $part, $length - $got) or last; $got += $n }
  my $body = "$name $got\\n" . ($request =~ m{/large} ? 'x' x 200000 : '');
  print $client "HTTP/1.0 200 OK\\r\\nContent-Length: " . length($body) . "\\r\\n\\r\\n$body";
  exit;
}
`;

const UNIT = (name: string): string => `[Service]\nExecStart=/usr/bin/perl /usr/local/bin/server.pl ${name}\n[Install]\nWantedBy=multi-user.target\n`;

let lab: TestLab;
let folder: string;
let site: string[];
let untouched: Record<string, string>;

async function boot(name: string, inventory: string, hosts: readonly string[]): Promise<void> {
  folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-tun-'));
  const file = path.join(folder, 'hosts.yml');
  await writeFile(file, await readFile(`inventories/${inventory}/hosts.yml`));
  lab = await TestLab.installed(name, file);
  site = ['playbooks/site.yml', '-i', lab.overlay];
  for (const host of ['rs1', 'rs2']) {
    const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
    await lab.sh(host, `printf %s ${quoted(SERVER)} >/usr/local/bin/server.pl; printf %s ${quoted(UNIT(host))} >/etc/systemd/system/server.service; systemctl enable -q --now server`);
  }
  untouched = await wholeState(lab, hosts);
  await must(lvsPlay(['deploy', ...site]));
}

async function isAsBefore(hosts: readonly string[]): Promise<void> {
  await lab.rollBack('all');
  expect(await wholeState(lab, hosts)).toEqual(untouched);
}

async function leave(): Promise<void> {
  await lab.down();
  await rm(folder, { recursive: true, force: true });
}

/** Writes another tunnel into the inventory, and deploys that. */
async function deployWith(tunnel: string): Promise<void> {
  const file = path.join(folder, 'hosts.yml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace(/^( +tunnel: ).*$/m, `$1${tunnel}`));
  await must(lvsPlay(['deploy', ...site]));
}

async function who(count: number): Promise<string[]> {
  return (await lab.answers(VIP, count)).map((line) => line.split(' ')[0] ?? '');
}

/** How many bytes of an upload arrived; '' when it hangs. */
async function uploaded(): Promise<string> {
  const run = await lab.client('sh', '-c', `head -c ${String(UPLOAD)} /dev/zero | curl -s -m 8 -H Expect: --data-binary @- http://${VIP}/`);
  return run.stdout.trim().split(' ')[1] ?? '';
}

async function servesAgainAfterReboot(hosts: readonly string[]): Promise<void> {
  await Promise.all(hosts.map((host) => lab.fault('reboot', host)));
  await eventually(() => who(6), (seen) => [...new Set(seen)].sort().join() === 'rs1,rs2');
  const plan = await lvsPlay(['plan', ...site, '--detailed-exitcode']);
  expect(plan.code, plan.stdout + plan.stderr).toBe(0);
}

describe('TUN with one director and real servers on another network', () => {
  beforeAll(() => boot('tun', 'tun-single', ['lvs1', 'rs1', 'rs2']));
  afterAll(leave);

  it('both real servers answer through the VIP, and a second deploy changes nothing', async () => {
    expect((await who(10)).sort()).toEqual([...Array<string>(5).fill('rs1'), ...Array<string>(5).fill('rs2')]);
    expect(await changedBy(...site)).toEqual([]);
  });

  it('carries whole what is larger than a packet, in both directions', async () => {
    expect(await uploaded()).toBe(String(UPLOAD));
    const large = await must(lab.client('sh', '-c', `curl -s -m 8 http://${VIP}/large | wc -c`));
    expect(Number(large.stdout)).toBe(200_000 + 'rs1 0\n'.length);
  });

  it('a client that ICMP does not reach can upload, because the real servers offer small segments', async () => {
    await lab.sh('lvs1', 'iptables -A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP');
    await must(lab.client('ip', 'route', 'flush', 'cache'));
    expect(await uploaded()).toBe(String(UPLOAD));
    for (const host of ['rs1', 'rs2']) await lab.sh(host, 'iptables -t mangle -D OUTPUT 1');
    // The trap: without the rule the first full packet is lost, again and again.
    expect(await uploaded()).toBe('');
    await must(lvsPlay(['deploy', ...site]));
    expect(await uploaded()).toBe(String(UPLOAD));
    // And the table with it: a rollback of a later run would load it again.
    await lab.sh('lvs1', 'iptables -D OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP && rmmod iptable_filter bpfilter');
  });

  it.each([
    ['{ type: gue, port: 6080 }', '--tun-type gue --tun-port 6080', 'tunl0'],
    ['{ type: gue, port: 6081, checksum: remcsum }', '--tun-type gue --tun-port 6081 --tun-remcsum', 'tunl0'],
    ['gre', '--tun-type gre', 'gre0'],
    ['{ type: gre, checksum: csum }', '--tun-type gre --tun-csum', 'lvs_gre'],
  ])('serves with tunnel: %s', async (tunnel, words, device) => {
    await deployWith(tunnel);
    expect(await lab.sh('lvs1', 'ipvsadm -Sn')).toContain(words);
    expect([...new Set(await who(6))].sort()).toEqual(['rs1', 'rs2']);
    expect(await uploaded()).toBe(String(UPLOAD));
    // What the tunnel before needed is gone.
    const carriers = (await lab.sh('rs1', 'ip -o -4 address show')).split('\n').filter((line) => line.includes(`${VIP}/32`)).map((line) => line.split(/\s+/)[1]);
    expect(carriers).toEqual([device]);
    const ports = tunnel.includes('gue') ? /port: (\d+)/.exec(tunnel)?.[1] ?? '' : '';
    expect((await lab.sh('rs1', 'ip fou show 2>/dev/null || :')).trim()).toBe(ports === '' ? '' : `port ${ports} gue`);
    expect((await lab.sh('rs1', 'iptables-save -t mangle')).match(/TCPMSS/g)).toHaveLength(1);
  });

  it('comes back serving after every node was rebooted from inside, with nothing to change', async () => {
    await servesAgainAfterReboot(['lvs1', 'rs1', 'rs2']);
  });

  it('is imported from its hosts to an inventory that changes nothing', async () => {
    const imported = await lab.imported({ lvs1: '192.168.0.8', rs1: '192.168.1.18', rs2: '192.168.1.28' });
    expect(imported.stderr).toContain('0 mistakes found, 0 to be completed, 0 not understood.');
    const plan = await lab.planOf(imported);
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
  });

  it('is rolled back, run by run, to what was there before the first', () => isAsBefore(['lvs1', 'rs1', 'rs2']));
});

describe('TUN with a pair', () => {
  beforeAll(() => boot('tun-pair', 'tun-pair', ['lvs1', 'lvs2', 'rs1', 'rs2']));
  afterAll(leave);

  it('serves, uploads whole, and goes on when the holder crashes', async () => {
    expect([...new Set(await who(6))].sort()).toEqual(['rs1', 'rs2']);
    expect(await uploaded()).toBe(String(UPLOAD));
    expect(await changedBy(...site)).toEqual([]);
    await lab.fault('crash', 'lvs1');
    await eventually(() => who(6), (seen) => [...new Set(seen)].sort().join() === 'rs1,rs2');
    await lab.fault('boot', 'lvs1');
  });

  it('comes back serving after every node was rebooted from inside, with nothing to change', async () => {
    await servesAgainAfterReboot(['lvs1', 'lvs2', 'rs1', 'rs2']);
  });

  it('is rolled back to what was there before', () => isAsBefore(['lvs1', 'lvs2', 'rs1', 'rs2']));
});
