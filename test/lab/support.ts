import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Shells } from './shells.ts';

/** The repository's root; tests run the built bundle, as users do. */
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
/** LVS_PLAY_CLI points the tests at another build, an installed one for example. */
export const CLI = process.env['LVS_PLAY_CLI'] ?? path.join(ROOT, 'dist', 'lvs-play.js');

/** What playbooks install: nodes of `TestLab.installed` have these packages from the start. */
export const PACKAGES: readonly string[] = ['ipvsadm', 'keepalived', 'nginx-light'];

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the tool to its end. */
export async function lvsPlay(args: readonly string[], options: { env?: Record<string, string>; stdin?: string } = {}): Promise<CliResult> {
  return startLvsPlay(args, options).result;
}

/** Starts the tool; `pid` for tests that kill it. Output is collected, so that a failing assertion can show it. */
export function startLvsPlay(
  args: readonly string[],
  options: { env?: Record<string, string>; stdin?: string; onEvent?: (event: { type: string; task?: { name: string } }) => void; onStderr?: (soFar: string) => void } = {},
): { pid: number | undefined; kill: (signal: NodeJS.Signals) => void; result: Promise<CliResult> } {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1', CI: 'true', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let line = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
    if (options.onEvent === undefined) return;
    const lines = (line + chunk.toString('utf8')).split('\n');
    line = lines.pop() ?? '';
    for (const text of lines) options.onEvent(JSON.parse(text) as { type: string; task?: { name: string } });
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
    options.onStderr?.(stderr);
  });
  child.stdin.end(options.stdin ?? '');
  const result = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
  return { pid: child.pid, kill: (signal) => child.kill(signal), result };
}

/** Connections opened one after the other and all held open; each then asks, and is told who holds it. */
const HOLD = `
const net = require('node:net');
const [host, port, count] = process.argv.slice(1);
const connect = () => new Promise((resolve) => {
  const socket = net.connect({ host, port: Number(port), timeout: 10_000 });
  socket.once('connect', () => resolve(socket));
  for (const event of ['error', 'timeout']) socket.once(event, () => resolve(undefined));
});
const ask = (socket) => new Promise((resolve) => {
  if (socket === undefined) return resolve('');
  let text = '';
  socket.on('data', (data) => { text += data; });
  socket.once('close', () => resolve(text.trim().split('\\n').at(-1)));
  socket.write('GET / HTTP/1.0\\r\\n\\r\\n');
});
(async () => {
  const sockets = [];
  for (let i = 0; i < Number(count); i++) sockets.push(await connect());
  const names = [];
  for (const socket of sockets) names.push(await ask(socket));
  console.log(JSON.stringify(names));
})();
`;

/** A lab of a test's own, run by the tool's own commands. */
export class TestLab {
  readonly name: string;
  readonly overlay: string;
  readonly #shells: Shells;
  readonly #begun = new Date().toISOString();
  readonly #folders: string[] = [];

  private constructor(name: string, overlay: string, shells: Shells) {
    this.name = name;
    this.overlay = overlay;
    this.#shells = shells;
  }

  static async up(name: string, ...inventories: string[]): Promise<TestLab> {
    return TestLab.#up(name, [], inventories);
  }

  /** Nodes that have the packages which playbooks install, disabled: for tests whose subject is not the installation. */
  static async installed(name: string, ...inventories: string[]): Promise<TestLab> {
    return TestLab.#up(name, ['--install', PACKAGES.join(',')], inventories);
  }

  static async #up(name: string, options: readonly string[], inventories: readonly string[]): Promise<TestLab> {
    await lvsPlay(['lab', 'down', '--name', name]);
    await must(lvsPlay(['lab', 'up', '--name', name, ...options, ...inventories.flatMap((inventory) => ['-i', inventory])]));
    return TestLab.opened(name);
  }

  /** A lab that is up. */
  static async opened(name: string): Promise<TestLab> {
    const status = JSON.parse((await must(lvsPlay(['lab', 'status', '--name', name, '--json']))).stdout) as { overlay: string };
    return new TestLab(name, status.overlay, await Shells.to(name));
  }

  async down(): Promise<void> {
    await this.#shells.end();
    await must(lvsPlay(['lab', 'down', '--name', this.name]));
    for (const dir of this.#folders) await rm(dir, { recursive: true, force: true });
  }

  /** The lab's way to its nodes, with another inventory. It is gone with the lab. */
  async inventory(text: string): Promise<string> {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-test-'));
    this.#folders.push(dir);
    await cp(this.overlay, dir, { recursive: true, verbatimSymlinks: true });
    for (const name of await readdir(dir)) if (name.endsWith('.yml')) await rm(path.join(dir, name));
    await writeFile(path.join(dir, 'hosts.yml'), text);
    return dir;
  }

  /** The lab's way to its nodes, with an inventory in which some words are others. @throws Error when they are not there */
  async edited(file: string, ...edits: readonly (readonly [string, string])[]): Promise<string> {
    const text = await readFile(file, 'utf8');
    for (const [from] of edits) if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    return this.inventory(edits.reduce((result, [from, to]) => result.replace(from, to), text));
  }

  /**
   * Takes back what runs of this lab have changed: all of them, the newest first; or only the first of them, which is enough where later ones touched the same
   * things. Forced, as a test's own faults are changes as well.
   */
  async rollBack(which: 'all' | 'first', env: Record<string, string> = {}): Promise<void> {
    const { runs } = JSON.parse((await must(lvsPlay(['history', '--json', '-n', '1000'], { env }))).stdout) as { runs: { id: string; started: string; changing: string[]; options: { inventories: string[] } }[] };
    const own = runs.filter(({ started, changing, options }) => started > this.#begun && changing.length > 0 && options.inventories.includes(this.overlay));
    if (own.length === 0) throw new Error('the journal knows no run of this lab');
    for (const { id } of which === 'all' ? own : own.slice(-1)) await must(lvsPlay(['rollback', id, '-i', this.overlay, '--force', '--allow', 'both-directors', '--allow', 'all-services', '--reason', 'test'], { env }));
  }

  /** Imports what nodes are, by their addresses alone. */
  async imported(addresses: Readonly<Record<string, string>>): Promise<CliResult> {
    const hosts = Object.fromEntries(Object.entries(addresses).map(([host, address]) => [host, { ansible_host: address }]));
    const plain = await this.inventory(JSON.stringify({ all: { hosts } }));
    return must(lvsPlay(['import', '--from', Object.keys(addresses).join(','), '-i', plain]));
  }

  /** What a plan with an imported inventory would change: exit code 0 means nothing. */
  async planOf(imported: CliResult): Promise<CliResult> {
    return lvsPlay(['plan', 'playbooks/site.yml', '-i', await this.inventory(imported.stdout), '--detailed-exitcode']);
  }

  /** Runs a script on a node as root, beside anything that is tested: by ssh of its own. */
  async sh(host: string, script: string): Promise<string> {
    return (await must(this.#shells.sh(host, script))).stdout;
  }

  /** Runs a script on several nodes at the same time; what each printed, by host. */
  async shOn(hosts: readonly string[], script: string): Promise<Record<string, string>> {
    return Object.fromEntries(await Promise.all(hosts.map(async (host) => [host, await this.sh(host, script)] as const)));
  }

  /** Undefined: the host cannot be reached, or the script fails. */
  async trySh(host: string, script: string): Promise<string | undefined> {
    const { code, stdout } = await this.#shells.sh(host, script);
    return code === 0 ? stdout : undefined;
  }

  /** Runs a command in the lab's namespace: a client of the service. */
  async client(...argv: string[]): Promise<CliResult> {
    return this.#shells.run(argv);
  }

  async fault(kind: 'reboot' | 'crash' | 'boot' | 'pause' | 'resume' | 'cut' | 'heal', host: string): Promise<void> {
    await this.#shells.leave(host);
    await must(lvsPlay(['lab', kind, host, '--name', this.name]));
  }

  /** Makes nodes what they were when the lab came up: each is switched off, and boots from a new disk. */
  async bare(hosts: readonly string[]): Promise<void> {
    await Promise.all(
      hosts.map(async (host) => {
        await this.fault('crash', host);
        await rm(path.join(path.dirname(this.overlay), 'nodes', host, 'disk.cow'));
        await this.fault('boot', host);
      }),
    );
  }

  /**
   * Waits until a director holds a virtual IP. A deploy may end, with its service proved, while the director of lower priority holds it: the other
   * takes over some 3.6 s after its keepalived started. No request is lost then, but each director goes round its real servers on its own.
   */
  async held(host: string, vip: string): Promise<void> {
    await eventually(() => this.sh(host, 'ip -o address show'), (shown) => shown.includes(` ${vip}/`));
  }

  /** The first line of each of `count` pages asked for through a virtual IP; '' for no answer. */
  async answers(vip: string, count: number): Promise<string[]> {
    const script = `i=0; while [ $i -lt ${String(count)} ]; do a=$(curl -s -m 10 http://${vip}/ | head -n 1); echo "$a"; i=$((i+1)); done`;
    return (await must(this.client('sh', '-c', script))).stdout.replace(/\n$/, '').split('\n');
  }

  /** Who holds each of `count` connections that are open at the same time; '' for one that failed. */
  async answersAtOnce(vip: string, port: number, count: number): Promise<string[]> {
    return JSON.parse((await must(this.client(process.execPath, '-e', HOLD, vip, String(port), String(count)))).stdout) as string[];
  }
}

/** @throws Error with the whole output when a command that has to work does not */
export async function must(result: Promise<CliResult>): Promise<CliResult> {
  const done = await result;
  if (done.code !== 0) throw new Error(`exit code ${String(done.code)}\n${done.stdout}\n${done.stderr}`);
  return done;
}

/** The parts that tests read of what `plan`, `deploy` and `module` print with --json. */
export interface RunDocument {
  readonly tasks: readonly {
    readonly host: string;
    readonly id: string;
    readonly status: string;
    /** Of a plan. */
    readonly predicted?: boolean;
    readonly doubtful?: true;
    readonly changes: readonly { readonly path: string; readonly before: unknown; readonly after: unknown; readonly impact?: string }[];
  }[];
  readonly recap: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly stats: Readonly<Record<string, { readonly connections: number; readonly requests: number; readonly becomeRequests: number }>>;
}

/** Runs a command that has to work, and reads its document. */
export async function runDocument(...args: string[]): Promise<RunDocument> {
  return JSON.parse((await must(lvsPlay([...args, '--json']))).stdout) as RunDocument;
}

/** Deploys, and says what changed: `rs1 /etc/hosts`. */
export async function changedBy(...site: string[]): Promise<string[]> {
  const { tasks } = await runDocument('deploy', ...site);
  return tasks.flatMap((task) => task.changes.map(({ path: what }) => `${task.host} ${what}`));
}

/** Seconds after which nobody waits any longer. A net for what never comes, not a claim about speed: a busy machine may take ten times what a quiet one does. */
const NET = 600;

/** Asks again until it holds. @param pause seconds between two questions: each costs a node a login, and the others their share of this machine */
export async function eventually<T>(ask: () => Promise<T>, holds: (value: T) => boolean, pause = 0.5): Promise<T> {
  const deadline = Date.now() + NET * 1000;
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    if (Date.now() > deadline) throw new Error(`condition not met within ${String(NET)} s; last value: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, pause * 1000));
  }
}

/** A directory of files, removed by the returned function. */
export async function scratch(files: Readonly<Record<string, string>>): Promise<{ dir: string; remove: () => Promise<void> }> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-test-'));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(dir, name), text);
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

/** What a deploy may change on a node: files under /etc and the web root, kernel parameters, addresses, modules and packages; as one text. */
export const STATE_SCRIPT = [
  "find /etc /var/www /usr/sbin/policy-rc.d -xdev \\( -type f -o -type l \\) ! -path '/etc/machine-id' -exec sha256sum {} + 2>/dev/null | sort -k2",
  "find /etc /var/www -xdev -printf '%p %M %u %g %l\\n' 2>/dev/null | sort",
  "sysctl -a 2>/dev/null | grep -E '^net\\.ipv4\\.(conf|vs|ip_forward)|^net\\.ipv6\\.conf' | sort",
  'ip -o addr show | sed "s/valid_lft.*//"',
  'cut -d" " -f1 /proc/modules | sort',
  "dpkg-query -W -f '${Package} ${Version} ${Status}\\n'",
].join('; ');

/** Services that come and go by themselves, and the one that fills the kernel's table at boot from a file: what it leads to is in the table. */
const PASSING = "grep -v -e '^user@' -e '^user-runtime' -e '^dbus' -e '^systemd-logind' -e '^ipvsadm'";

/** All of that and what the kernel does beside it: routes, firewall rules, virtual services, and which units run and start at boot; by host. */
export async function wholeState(lab: TestLab, hosts: readonly string[]): Promise<Record<string, string>> {
  const script = [
    // What the kernel makes of the memory that it has at boot; and the list of mounts.
    `(${STATE_SCRIPT}) | grep -v -e sync_qlen_max -e '  /etc/mtab$'`,
    "ip -4 route show table all | sed 's/ *$//' | sort",
    'ip -6 route show table all | grep -v -e fe80 -e multicast | sort',
    "if [ -r /proc/net/ip_tables_names ]; then iptables-save | grep -v -e '^#' -e '^:'; fi",
    'if [ -r /proc/net/ip_vs ] && command -v ipvsadm >/dev/null; then ipvsadm -Sn | sort; fi',
    // Which units there are; what starts them at boot, links in /etc, is above. Asked for it, systemd reads all of its files and is busy for seconds.
    "find /lib/systemd/system /run/systemd/generator* -maxdepth 1 -name '*.service' -printf '%p\\n' 2>/dev/null | sort",
    `systemctl list-units --no-pager --no-legend --plain --type=service --state=active | ${PASSING} | awk '{ print $1, $4 }'`,
    ':',
  ].join('; ');
  return lab.shOn(hosts, script);
}
