import { Command } from 'commander';
import type { ListrDefaultRendererLogLevels } from 'listr2';
import { LvsPlayError } from '../../core/errors.ts';
import type * as labExports from '../../lab/lab.ts';
import type { Lab, LabEvent, NodeStatus } from '../../lab/lab.ts';
import { EXIT } from '../exit.ts';

/** Which lab; every sub-command takes these, before or after the host. */
interface LabFlags {
  readonly inventory?: readonly string[];
  readonly name?: string;
}

interface UpFlags extends LabFlags {
  readonly install?: readonly string[];
  readonly json?: boolean;
}

/** Nothing of the lab is loaded until one of its commands runs. */
const labModule = (): Promise<typeof labExports> => import('../../lab/lab.ts');

/** `lvs-play lab ...`: boots a replica of an inventory on this machine, and works on it. */
export function labCommand(): Command {
  const lab = new Command('lab').description('boot a replica of an inventory on this machine, on real kernels');

  which(lab.command('up').description('boot a node per inventory host; prints the inventory to give to -i afterwards'))
    .option('--install <packages>', 'packages that nodes have installed from the start, their services disabled: ipvsadm,keepalived', (list: string) => list.split(',').map((name) => name.trim()))
    .option('--json', 'print what is up as JSON')
    .action(async (flags: UpFlags) => {
      await up(flags);
    });

  withInventory(lab.command('doctor').description('try what a lab needs on this machine, and say how to fix what is wrong'))
    .option('--json', 'print it as JSON')
    .action(async (flags: Pick<LabFlags, 'inventory'> & { readonly json?: boolean }) => {
      await doctor(flags);
    });

  which(lab.command('down').description('end the lab and remove all of it'))
    .option('--all', 'every lab of this user, and whatever crashed ones left behind')
    .action(async (flags: LabFlags & { readonly all?: boolean }) => {
      await down(flags);
    });

  which(lab.command('status').description('what is up'))
    .option('--json', 'print it as JSON')
    .action(async (flags: LabFlags & { readonly json?: boolean }) => {
      const opened = await open(flags);
      process.stdout.write(flags.json === true ? await statusJson(opened) : statusTable(opened, await opened.status()));
    });

  which(lab.command('ssh <host>').description('log in to a node'))
    .option('-u, --user <user>', 'root, operator (sudo) or operator2 (sudo asks: lab)', 'root')
    .action(async (host: string, flags: LabFlags & { readonly user: string }) => {
      await foreground((await open(flags)).sshCommand(host, [], { terminal: process.stdin.isTTY, user: flags.user }));
    });

  which(lab.command('exec <host> <command...>').description('run a command on a node: exec HOST -- COMMAND'))
    .option('-u, --user <user>', 'root, operator (sudo) or operator2 (sudo asks: lab)', 'root')
    .action(async (host: string, argv: string[], flags: LabFlags & { readonly user: string }) => {
      await foreground((await open(flags)).sshCommand(host, argv, { terminal: false, user: flags.user }));
    });

  which(lab.command('run <command...>').description('run a command on this machine, in the network of the lab: run -- COMMAND'))
    .action(async (argv: string[], flags: LabFlags) => {
      await foreground((await open(flags)).runCommand(argv));
    });

  const onHost = (name: string, description: string, act: (opened: Lab, host: string) => Promise<void>): void => {
    which(lab.command(`${name} <host>`).description(description)).action(async (host: string, flags: LabFlags) => {
      await act(await open(flags), host);
    });
  };
  onHost('reboot', 'reboot a node from inside and wait until it answers', (opened, host) => opened.reboot(host));
  onHost('crash', 'cut the power of a node; its disk stays as it is', (opened, host) => opened.crash(host));
  onHost('boot', 'switch on a node that is off, and wait until it answers', (opened, host) => opened.boot(host));
  onHost('pause', 'make a node hang', (opened, host) => opened.pause(host));
  onHost('resume', 'let a paused node go on', (opened, host) => opened.resume(host));
  onHost('cut', "pull a node's network cables", (opened, host) => opened.cut(host));
  onHost('heal', "plug a node's network cables in again", (opened, host) => opened.heal(host));
  return lab;
}

function which(command: Command): Command {
  return withInventory(command).option('--name <name>', 'name of the lab; labs of different names stand side by side');
}

function withInventory(command: Command): Command {
  return command.option('-i, --inventory <path>', 'inventory file or folder, or the one of a lab; may be given again', (path: string, before: readonly string[] | undefined) => [...(before ?? []), path]);
}

async function open(flags: LabFlags): Promise<Lab> {
  const { Lab } = await labModule();
  return Lab.open({ name: flags.name, inventories: flags.inventory });
}

async function up(flags: UpFlags): Promise<void> {
  const inventories = flags.inventory ?? [];
  if (inventories.length === 0) throw new LvsPlayError({ code: 'no-inventory', kind: 'usage', message: 'lab up needs an inventory', hint: 'lvs-play lab up -i inventories/NAME/hosts.yml' });
  const [{ Lab }, { labSpecFromInventory }, { loadInventory }] = await Promise.all([labModule(), import('../../lab/inventory/from-inventory.ts'), import('../../inventory/load.ts')]);
  const spec = labSpecFromInventory(await loadInventory(inventories));
  const stop = new AbortController();
  const interrupt = (): void => {
    stop.abort(new LvsPlayError({ code: 'interrupted', kind: 'interrupted', message: 'interrupted; the lab was removed again' }));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  const display = await startDisplay(spec.nodes.map((node) => node.name));
  try {
    const opened = await Lab.up(spec, { name: flags.name, inventories, install: flags.install, progress: display.tell, signal: stop.signal });
    await display.end();
    process.stdout.write(flags.json === true ? await statusJson(opened) : `${opened.overlayPath}\n`);
    process.stderr.write(`The lab ${opened.name} is up. Use the inventory above: lvs-play deploy PLAYBOOK -i ${opened.overlayPath}\n`);
  } catch (error) {
    await display.end();
    // However the abort showed itself on its way, this is why.
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    for (const signal of signals) process.removeListener(signal, interrupt);
  }
}

async function doctor(flags: Pick<LabFlags, 'inventory'> & { readonly json?: boolean }): Promise<void> {
  const [{ checksDocument, checksTable, examine }, { labSpecFromInventory }, { loadInventory }] = await Promise.all([import('../../lab/doctor/doctor.ts'), import('../../lab/inventory/from-inventory.ts'), import('../../inventory/load.ts')]);
  const spec = flags.inventory === undefined ? undefined : labSpecFromInventory(await loadInventory(flags.inventory));
  const checks = await examine(spec);
  process.stdout.write(flags.json === true ? `${JSON.stringify(checksDocument(checks), null, 2)}\n` : checksTable(checks));
  if (checks.some(({ ok }) => !ok)) process.exitCode = EXIT.error;
}

async function down(flags: LabFlags & { readonly all?: boolean }): Promise<void> {
  const [{ removeAllLabs, takeDown }, { chooseLab }, { requirePrivileges }] = await Promise.all([import('../../lab/state/remove.ts'), import('../../lab/state/state.ts'), import('../../lab/doctor/doctor.ts')]);
  await requirePrivileges();
  if (flags.all === true) {
    const names = await removeAllLabs();
    process.stderr.write(names.length === 0 ? 'No lab was there.\n' : `Removed: ${names.join(', ')}\n`);
    return;
  }
  const lab = await chooseLab({ name: flags.name, inventories: flags.inventory }).catch((error: unknown) => {
    // What is to be gone is gone.
    if (error instanceof LvsPlayError && error.code === 'lab-unknown') return error;
    throw error;
  });
  if (lab instanceof LvsPlayError) {
    process.stderr.write(`${lab.message}\n`);
    return;
  }
  await takeDown(lab);
  process.stderr.write(`Removed: ${lab.name}\n`);
}

async function foreground(argv: readonly string[]): Promise<void> {
  const { runInteractive } = await import('../../lab/process.ts');
  process.exitCode = await runInteractive(argv);
}

async function statusJson(opened: Lab): Promise<string> {
  const document = { version: 1, name: opened.name, namespace: opened.namespace, overlay: opened.overlayPath, control: opened.spec.networks, nodes: await opened.status() };
  return JSON.stringify(document, null, 2) + '\n';
}

function statusTable(opened: Lab, nodes: readonly NodeStatus[]): string {
  const rows = [
    ['HOST', 'ADDRESS', 'STATE', 'LINK', 'PID', 'MEMORY'],
    ...nodes.map((node) => [node.host, node.address, node.state, node.link, String(node.pid ?? '-'), node.memory === undefined ? '-' : `${String(node.memory)} MB`]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd());
  return `lab ${opened.name}, namespace ${opened.namespace}\ninventory ${opened.overlayPath}\n${lines.join('\n')}\n`;
}

interface Display {
  readonly tell: (event: LabEvent) => void;
  /** Resolves when the last line is drawn. */
  readonly end: () => Promise<void>;
}

/** Progress on stderr: plain lines, or at a terminal a row per thing that is waited for. */
async function startDisplay(hosts: readonly string[]): Promise<Display> {
  const plain = !process.stderr.isTTY || process.env['CI'] !== undefined || process.env['TERM'] === 'dumb';
  return plain ? plainDisplay() : rowsDisplay(hosts);
}

function plainDisplay(): Display {
  return {
    tell: (event) => process.stderr.write(`lab: ${eventText(event)} (${seconds(event.ms)})\n`),
    end: () => Promise.resolve(),
  };
}

async function rowsDisplay(hosts: readonly string[]): Promise<Display> {
  const { Listr, ListrLogger, ProcessOutput } = await import('listr2');
  const waits = new Map(['image', 'network', ...hosts.map((host) => `node ${host}`)].map((row) => [row, new Wait()]));
  const rows = [...waits].map(([row, wait]) => ({
    title: row,
    task: async (_: unknown, task: { title: string }): Promise<void> => {
      task.title = `${row}  ${seconds(await wait.over)}`;
    },
  }));
  const logger = new ListrLogger<ListrDefaultRendererLogLevels>({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
  const listr = new Listr(rows, { concurrent: true, exitOnError: false, registerSignalListeners: false, rendererOptions: { logger, showErrorMessage: false } });
  const drawn = listr.run().catch(() => undefined);
  return {
    tell: (event) => {
      if (event.type === 'image-ready') waits.get('image')?.end(event.ms);
      if (event.type === 'network-ready') waits.get('network')?.end(event.ms);
      if (event.type === 'node-ready') waits.get(`node ${event.host}`)?.end(event.ms);
    },
    end: async () => {
      for (const wait of waits.values()) wait.fail();
      await drawn;
    },
  };
}

/** Something a row waits for, ended from outside; the value is milliseconds. */
class Wait {
  readonly over: Promise<number>;
  end: (ms: number) => void = () => undefined;
  fail: () => void = () => undefined;

  constructor() {
    this.over = new Promise((resolve, reject) => {
      this.end = resolve;
      this.fail = () => {
        reject(new Error('not waited for any longer'));
      };
    });
    // A row that was never drawn must not become an unhandled rejection.
    this.over.catch(() => undefined);
  }
}

function eventText(event: LabEvent): string {
  switch (event.type) {
    case 'image-building':
      return 'building the image of the nodes (once)';
    case 'image-ready':
      return 'image ready';
    case 'network-ready':
      return 'network ready';
    case 'node-booting':
      return `${event.host} boots`;
    case 'node-ready':
      return `${event.host} answers`;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
