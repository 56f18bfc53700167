import path from 'node:path';
import { invocations, type Invocation } from '../shell/run.ts';
import { parseScript } from '../shell/parse.ts';
import type { Note, Read } from '../types.ts';
import { readIptables, readNft } from './firewall.ts';
import { readIpvsadm } from './ipvsadm.ts';
import { readNote } from './notes.ts';
import { readIfconfig, readIp, readRoute } from './network.ts';
import type { HostSetup } from './setup.ts';
import { readSysctl, readSysctlCommand } from './sysctl.ts';

/** Commands that leave nothing behind which a cluster needs. */
const WITHOUT_EFFECT = new Set([':', 'true', 'false', 'set', 'sleep', 'clear', 'cd', 'umask', 'shift', 'wait', 'success', 'failure', 'logger', 'shopt', 'trap', 'unset', '[', '[[', 'test', 'cat', 'ls', 'ping', 'curl', 'arping']);
const INSTALLS = new Set(['yum', 'dnf', 'apt', 'apt-get', 'zypper']);

/** Reads a script into what it makes of its host; nothing is run, and what cannot be read becomes a note. */
export function readScript(text: string, file: string, setup: HostSetup): void {
  const { statements, unread } = parseScript(text, file);
  const { run, unread: skipped } = invocations(statements);
  run.forEach((invocation, order) => {
    setup.notes.push(noteOf(invocation, readCommand(invocation, setup, order), setup));
  });
  for (const { position, text: what } of [...unread, ...skipped]) setup.notes.push({ kind: 'not-understood', position, text: what, reason: 'it is not in the inventory' });
  setup.notes.sort((a, b) => (a.position?.line ?? 0) - (b.position?.line ?? 0));
}

/** The output of `ipvsadm -Sn`, or a file that `ipvsadm -R` reads. */
export function readTable(text: string, file: string, setup: HostSetup): void {
  text.split('\n').forEach((line, index) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const invocation: Invocation = { position: { file, line: index + 1, column: 1 }, argv: trimmed.split(/\s+/), outputs: [], input: undefined, text: trimmed };
    setup.notes.push(noteOf(invocation, readIpvsadm(invocation.argv, setup, invocation.position), setup));
  });
}

/** sysctl.conf(5): `name = value`. */
export function readSysctlFile(text: string, file: string, setup: HostSetup): void {
  text.split('\n').forEach((line, index) => {
    const trimmed = line.trim();
    if (trimmed === '' || /^[#;]/.test(trimmed)) return;
    const position = { file, line: index + 1, column: 1 };
    const [, name, value] = /^-?([^=\s]+)\s*=\s*(.*)$/.exec(trimmed) ?? [];
    const read: Read = name === undefined ? { unread: 'it is no setting' } : readSysctl(name, value ?? '', setup, position, index, false);
    setup.notes.push(noteOf({ position, argv: [], outputs: [], input: undefined, text: trimmed }, read, setup));
  });
}

function noteOf(invocation: Invocation, read: Read, setup: HostSetup): Note {
  const about = { position: invocation.position, text: withoutSecrets(invocation.text.replaceAll(/\s*\\?\n\s*/g, ' ')), ...(setup.name === undefined ? {} : { host: setup.name }) };
  return readNote(read, about);
}

/** A script may hold passwords; a report shows none that can be told by its name. */
function withoutSecrets(text: string): string {
  return text.replaceAll(/((?:pass(?:word|wd|phrase)?|secret|token|api_?key)\S*?(?:[=:]|\s+))\S+/gi, '$1...');
}

function readCommand(invocation: Invocation, setup: HostSetup, order: number): Read {
  const { argv, outputs, position } = invocation;
  const words = argv[0] === 'sudo' || argv[0] === 'command' ? argv.slice(1) : argv;
  const [program = '', ...rest] = words;
  const name = path.posix.basename(program);
  const written = outputs.length > 0 || name === 'tee' ? intoFile(name, rest, invocation, setup, order) : undefined;
  if (written !== undefined) return written;
  switch (name) {
    case 'ipvsadm':
      return readIpvsadm(rest, setup, position);
    case 'ifconfig':
      return readIfconfig(rest, setup, position, order);
    case 'ip':
      return readIp(rest, setup, position, order);
    case 'route':
      return readRoute(rest, setup, position);
    case 'sysctl':
      return readSysctlCommand(rest, setup, position, order);
    case 'iptables':
    case 'ip6tables':
      return readIptables(name, rest, setup, position, invocation.text);
    case 'nft':
      return readNft(rest, setup, position, invocation.text);
    case 'modprobe':
      return { ignored: `left out: lvs-play loads the modules that the services need (${rest.filter((word) => !word.startsWith('-')).join(' ')}), also after a reboot` };
    case 'echo':
    case 'printf':
      return { ignored: 'it only says something' };
    case 'service':
    case 'systemctl':
    case 'chkconfig':
      return /keepalived|ipvsadm/.test(rest.join(' ')) ? { ignored: 'left out: lvs-play starts and enables what the cluster needs' } : { unread: 'this service is not part of the model: a task of the module service can do it' };
  }
  if (INSTALLS.has(name)) return /keepalived|ipvsadm/.test(rest.join(' ')) ? { ignored: 'left out: lvs-play installs what the cluster needs' } : { unread: 'these packages are not part of the model: a task of the module package can install them' };
  if (name === '.' || name === 'source') return { unread: 'the other file is not read: import it too if it sets what this one needs' };
  if (WITHOUT_EFFECT.has(name)) return { ignored: 'it leaves nothing behind that the cluster needs' };
  return { unread: 'this command is not known here' };
}

/** `echo 1 > /proc/sys/...`, also by way of `tee`. */
function intoFile(name: string, rest: readonly string[], invocation: Invocation, setup: HostSetup, order: number): Read | undefined {
  const files = name === 'tee' ? [...rest.filter((word) => !word.startsWith('-')), ...invocation.outputs] : invocation.outputs;
  const value = name === 'tee' ? invocation.input : name === 'echo' ? rest.filter((word) => !/^-[ne]+$/.test(word)).join(' ') : undefined;
  const reads = files.map((file): Read => {
    if (file.startsWith('/proc/sys/') && value !== undefined) return readSysctl(file, value, setup, invocation.position, order, true);
    if (value !== undefined && /sysctl(\.conf|\.d\/)/.test(file) && value.includes('=')) return readSysctl(value.split('=')[0]?.trim() ?? '', value.split('=').slice(1).join('='), setup, invocation.position, order, false);
    return { unread: `${file} is written, which is not part of the model` };
  });
  return reads.find((read) => 'unread' in read) ?? reads[0];
}
