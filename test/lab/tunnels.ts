import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { eventually, lvsPlay, must, TestLab, wholeState } from './support.ts';

export const VIP = '192.168.0.38';
/** Bytes: many packets. */
export const UPLOAD = 300_000;

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

/** An example in TUN, deployed, whose real servers take uploads. */
export class TunnelLab {
  readonly lab: TestLab;
  readonly site: readonly string[];
  readonly #folder: string;
  readonly #hosts: readonly string[];
  readonly #untouched: Readonly<Record<string, string>>;

  private constructor(lab: TestLab, folder: string, hosts: readonly string[], untouched: Readonly<Record<string, string>>) {
    this.lab = lab;
    this.site = siteOf(lab);
    this.#folder = folder;
    this.#hosts = hosts;
    this.#untouched = untouched;
  }

  static async boot(name: string, inventory: string, hosts: readonly string[]): Promise<TunnelLab> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-tun-'));
    const file = path.join(folder, 'hosts.yml');
    await writeFile(file, await readFile(`inventories/${inventory}/hosts.yml`));
    const lab = await TestLab.installed(name, file);
    for (const host of ['rs1', 'rs2']) {
      const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
      await lab.sh(host, `printf %s ${quoted(SERVER)} >/usr/local/bin/server.pl; printf %s ${quoted(UNIT(host))} >/etc/systemd/system/server.service; systemctl enable -q --now server`);
    }
    const untouched = await wholeState(lab, hosts);
    await must(lvsPlay(['deploy', ...siteOf(lab)]));
    return new TunnelLab(lab, folder, hosts, untouched);
  }

  async leave(): Promise<void> {
    await this.lab.down();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Takes all runs back, and looks whether that is what was there before the first. */
  async isAsBefore(): Promise<void> {
    await this.lab.rollBack('all');
    expect(await wholeState(this.lab, this.#hosts)).toEqual(this.#untouched);
  }

  /** Writes another tunnel into the inventory, and deploys that. */
  async deployWith(tunnel: string): Promise<void> {
    const file = path.join(this.#folder, 'hosts.yml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/^( +tunnel: ).*$/m, `$1${tunnel}`));
    await must(lvsPlay(['deploy', ...this.site]));
  }

  async who(count: number): Promise<string[]> {
    return (await this.lab.answers(VIP, count)).map((line) => line.split(' ')[0] ?? '');
  }

  /** How many bytes of an upload arrived; '' when it hangs. */
  async uploaded(): Promise<string> {
    const run = await this.lab.client('sh', '-c', `head -c ${String(UPLOAD)} /dev/zero | curl -s -m 30 -H Expect: --data-binary @- http://${VIP}/`);
    return run.stdout.trim().split(' ')[1] ?? '';
  }

  async servesAgainAfterReboot(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => this.lab.fault('reboot', host)));
    await eventually(() => this.who(6), (seen) => [...new Set(seen)].sort().join() === 'rs1,rs2');
    const plan = await lvsPlay(['plan', ...this.site, '--detailed-exitcode']);
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
  }
}

function siteOf(lab: TestLab): string[] {
  return ['playbooks/site.yml', '-i', lab.overlay];
}
