import { execFile } from 'node:child_process';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LvsPlayError } from '../../../../src/core/errors.ts';
import { connectionLost } from '../../../../src/transport/unreachable.ts';
import { fakeTarget, shellReply } from '../../../../src/transport/fake.ts';
import type { Connector, ShellReply, ShellRequest, Target } from '../../../../src/transport/target.ts';

/** How a host fails: it refuses the connection, it ends in the middle of an answer, its shell fails, it says something else, or its answer is cut off. */
export type Failure = 'unreachable' | 'lost' | 'shell' | 'garbage' | 'cut';

export const FAILURES: readonly Failure[] = ['unreachable', 'lost', 'shell', 'garbage', 'cut'];

/** The exit code that each makes. */
export const CODES: Readonly<Record<Failure, number>> = { unreachable: 4, lost: 4, shell: 2, garbage: 2, cut: 2 };

const ADDRESSES: Readonly<Record<string, string>> = { lvs1: '192.168.0.48', lvs2: '192.168.0.58', rs1: '192.168.0.18', rs2: '192.168.0.28', rs3: '192.168.0.29', localhost: '192.168.0.70' };
const VIP = '192.168.0.38';
const HEAD = 'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n';
const TABLE = `${HEAD}TCP  C0A80026:0050 wrr \n${['C0A80012', 'C0A8001C', 'C0A8001D'].map((server) => `  -> ${server}:0050      Route   8      0          0         \n`).join('')}`;

/** keepalived's reload: the weights of its file come into the kernel's table. */
const RELOAD = `awk '/^ *real_server /{split($2, part, "."); address = sprintf("%02X%02X%02X%02X", part[1], part[2], part[3], part[4])} /^ *weight /{weight[address] = $2} END{for (address in weight) print address, weight[address]}' "$ROOT/etc/keepalived/keepalived.conf" | while read -r address weight; do sed -i "s/\\($address:0050 *Route *\\)[0-9]*/\\1$weight/" "$ROOT/proc/net/ip_vs"; done`;

/** Places of a real machine that a host of these tests has of its own. */
const PLACES = /(?<![\w.$}/])\/(proc|sys|etc|var|run|lib|boot)(?=\/)/g;

/**
 * A cluster whose hosts are real shells: what they are asked runs in sh, over files and programs of their own. So every script and every parser is the real one, and
 * only the wire and the machine are made up.
 */
export class FakeHosts implements Connector {
  readonly #dir: string;
  readonly #failing = new Map<string, Failure>();
  readonly asked: string[] = [];

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async open(dir: string): Promise<FakeHosts> {
    const hosts = new FakeHosts(dir);
    for (const host of Object.keys(ADDRESSES)) await hosts.#furnish(host);
    return hosts;
  }

  fail(hosts: readonly string[], failure: Failure): void {
    this.#failing.clear();
    for (const host of hosts) this.#failing.set(host, failure);
  }

  /** All is well again. */
  heal(): void {
    this.#failing.clear();
    this.asked.length = 0;
  }

  close(): Promise<void> {
    return rm(this.#dir, { recursive: true, force: true });
  }

  connect({ host }: { readonly host: string }): Promise<Target> {
    return Promise.resolve(fakeTarget(host, (request) => this.#answer(host, request)));
  }

  async #answer(host: string, request: ShellRequest): Promise<ShellReply> {
    this.asked.push(host);
    const failure = this.#failing.get(host);
    if (failure === 'unreachable') throw new LvsPlayError({ code: 'connection-refused', kind: 'unreachable', host, message: `${host}: ${ADDRESSES[host] ?? ''} port 22 refused the connection`, hint: 'is sshd running there, and is ansible_port right?' });
    if (failure === 'lost') throw connectionLost(host, undefined);
    if (failure === 'shell') return shellReply('', 127, 'sh: 1: ip: not found\n');
    if (failure === 'garbage') return shellReply('Welcome to Debian\nYou have new mail.\n{"\u0000":\n');
    const reply = await this.#run(host, request.script);
    return failure === 'cut' ? { ...reply, stdout: reply.stdout.subarray(0, Math.floor(reply.stdout.length / 2)) } : reply;
  }

  #root(host: string): string {
    return path.join(this.#dir, host);
  }

  #run(host: string, script: string): Promise<ShellReply> {
    const root = this.#root(host);
    return new Promise((resolve) => {
      execFile('/bin/sh', ['-c', script.replaceAll(PLACES, `${root}/$1`)], { encoding: 'buffer', env: { PATH: `${root}/bin:/usr/bin:/bin`, LC_ALL: 'C', ROOT: root }, cwd: '/', maxBuffer: 10_000_000 }, (error, stdout, stderr) => {
        const own = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replaceAll(root, ''), 'latin1');
        resolve({ stdout: own(stdout), stderr: own(stderr), exitCode: error === null ? 0 : typeof error.code === 'number' ? error.code : 1 });
      });
    });
  }

  async #furnish(host: string): Promise<void> {
    const own = ADDRESSES[host] ?? '';
    const director = host.startsWith('lvs');
    const held = host === 'lvs1' ? ['eth0'] : host.startsWith('rs') ? ['lo'] : [];
    const addresses = ['1: lo    inet 127.0.0.1/8 scope host lo', `2: eth0    inet ${own}/24 brd 192.168.0.255 scope global eth0`, ...held.map((name) => `2: ${name}    inet ${VIP}/32 scope global ${name}`)].map((line) => `${line}\\       valid_lft forever preferred_lft forever`);
    const mac = `52:54:00:00:00:${own.split('.')[3] ?? '01'}`;
    const files: Readonly<Record<string, string>> = {
      'addresses': `${addresses.join('\n')}\n`,
      'links': `1: lo: <LOOPBACK,UP> mtu 65536 state UNKNOWN\\    link/loopback 00:00:00:00:00:00\n2: eth0: <UP> mtu 1500 state UP\\    link/ether ${mac} brd ff:ff:ff:ff:ff:ff\n`,
      'proc/version': 'Linux version 6.1.0 (x)\n',
      'proc/net/tcp': '  sl  local_address rem_address   st\n   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n',
      'proc/sys/kernel/random/boot_id': '0b1e7c5a-0000-4000-8000-000000000001\n',
      ...Object.fromEntries(['all', 'lo', 'eth0'].flatMap((name) => [[`proc/sys/net/ipv4/conf/${name}/arp_ignore`, '1\n'], [`proc/sys/net/ipv4/conf/${name}/arp_announce`, '2\n'], [`proc/sys/net/ipv4/conf/${name}/rp_filter`, '0\n'], [`proc/sys/net/ipv4/conf/${name}/send_redirects`, '0\n']])),
      'sys/class/net/eth0/mtu': '1500\n',
      'sys/class/net/eth0/address': `${mac}\n`,
      'etc/motd': 'managed\n',
      ...(director ? { 'proc/net/ip_vs': TABLE, 'proc/net/ip_vs_conn': '', 'proc/sys/net/ipv4/vs/conn_reuse_mode': '3\n', 'proc/sys/net/ipv4/vs/expire_nodest_conn': '0\n', 'proc/sys/net/ipv4/vs/expire_quiescent_template': '1\n', 'sys/module/ip_vs/x': '', 'sys/module/ip_vs_wrr/x': '' } : {}),
    };
    const programs: Readonly<Record<string, string>> = {
      ip: 'case "$*" in *"addr show"*) cat "$ROOT/addresses";; *"link show"*) cat "$ROOT/links";; *"route show default"*) case "$*" in *-6*) ;; *) echo "default via 192.168.0.254 dev eth0";; esac;; *"route get"*) shift 3; echo "$1 dev eth0 src 192.168.0.1";; *monitor*) sleep 1;; esac',
      systemctl: `case "$*" in *reload*|*restart*) ${RELOAD};; *MainPID*ActiveState*|*ActiveState*MainPID*) printf 'ActiveState=active\\nSubState=running\\nMainPID=0\\n';; *MainPID*) echo MainPID=0;; show*) for unit in "$@"; do case $unit in *.service) printf 'Id=%s\\nLoadState=loaded\\nActiveState=active\\nSubState=running\\nUnitFileState=enabled\\nNeedDaemonReload=no\\n\\n' "$unit";; esac; done;; esac`,
      'dpkg-query': "for name in keepalived ipvsadm; do printf '%s\\tii \\t1:2.2.7-1+b2\\n' $name; done",
      'apt-cache': ':',
      ipvsadm: 'case "$*" in *daemon*) ;; *-Sn*) echo "-A -t 192.168.0.38:80 -s wrr";; *) echo "IP Virtual Server version 1.2.1 (size=4096)";; esac',
      // What waits for the kernel's word that a watch has begun waits for nothing here.
      sleep: 'case $1 in 0.05) kill $PPID;; esac',
      keepalived: "echo 'Keepalived v2.2.7 (01/16,2022)'",
      id: 'case "$*" in *-u*) echo 0;; *) echo root;; esac',
      ...Object.fromEntries(['tcpdump', 'nft', 'iptables-save', 'ip6tables-save', 'iptables', 'modprobe', 'sync', 'systemd-run', 'shutdown'].map((name) => [name, ':'])),
    };
    for (const [name, text] of Object.entries(files)) await this.#put(path.join(this.#root(host), name), text);
    for (const [name, text] of Object.entries(programs)) {
      const file = path.join(this.#root(host), 'bin', name);
      await this.#put(file, `#!/bin/sh\n${text}\n`);
      await chmod(file, 0o755);
    }
    for (const place of ['var/lib', 'run', 'lib/modules', 'etc/keepalived']) await mkdir(path.join(this.#root(host), place), { recursive: true });
  }

  async #put(file: string, text: string): Promise<void> {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

/** The inventory of these hosts. */
export const INVENTORY = `all:
  hosts:
${Object.entries(ADDRESSES).filter(([host]) => host !== 'localhost').map(([host, address]) => `    ${host}: { ansible_host: ${address} }`).join('\n')}
  vars:
    lvs:
      ha_pairs:
        edge: { members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }, interface: eth0, virtual_router_id: 77, vips: [${VIP}] }
      virtual_services:
        web: { on: edge, address: "${VIP}:80", mode: dr, scheduler: wrr, health_check: { type: tcp }, real_servers: { rs1: { weight: 8 }, rs2: { weight: 8 }, rs3: { weight: 8 } } }
`;
