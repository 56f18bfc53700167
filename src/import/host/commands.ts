import path from 'node:path';
import { readNftFile, readSavedRules } from '../firewall/read.ts';
import { invocations, type Invocation, type ScriptText } from '../shell/run.ts';
import { parseScript } from '../shell/parse.ts';
import type { Note, Read } from '../types.ts';
import { readArptables } from './arptables.ts';
import { readIptables, readNft } from './firewall.ts';
import { readIpvsadm } from './ipvsadm.ts';
import { readIfconfig, readIp, readRoute } from './network.ts';
import { readNote } from './notes.ts';
import type { HostSetup } from './setup.ts';
import { readSysctl, readSysctlCommand } from './sysctl.ts';

/** Commands that leave nothing behind which a cluster needs. */
const WITHOUT_EFFECT = new Set([':', 'true', 'false', 'set', 'sleep', 'clear', 'cd', 'umask', 'wait', 'success', 'failure', 'logger', 'shopt', 'trap', 'unset', 'read', '[', '[[', 'test', 'cat', 'grep', 'egrep', 'fgrep', 'awk', 'head', 'tail', 'wc', 'ls', 'touch', 'date', 'id', 'hostname', 'uname', 'ping', 'curl', 'arping', 'log_daemon_msg', 'log_end_msg', 'log_action_msg', 'depmod', 'exec', 'arptables-save', 'lsmod']);
const INSTALLS = new Set(['yum', 'dnf', 'apt', 'apt-get', 'zypper']);
/** Run another command. */
const WRAPPERS = new Set(['sudo', 'command', 'nohup', 'eval', 'time']);

/** Reads a script into what it makes of its host; nothing is run, and what cannot be read becomes a note. */
export function readScript(text: string, file: string, setup: HostSetup): void {
  const parsed = parseScript(text, file);
  const { run, unread: skipped } = invocations(parsed);
  run.forEach((invocation, order) => {
    setup.notes.push(noteOf(invocation, readCommand(invocation, setup, order), setup));
  });
  for (const { position, text: what } of [...parsed.unread, ...skipped]) setup.notes.push({ kind: 'not-understood', position, text: withoutSecrets(what), reason: 'it is not in the inventory' });
  setup.notes.sort((a, b) => (a.position?.line ?? 0) - (b.position?.line ?? 0));
}

/** The output of `ipvsadm -Sn`, or a file that `ipvsadm -R` reads. */
export function readTable(text: string, file: string, setup: HostSetup): void {
  eachLine({ text, position: { file, line: 1, column: 1 } }, (line) => {
    setup.notes.push(noteOf(line, readIpvsadm(line.argv, setup, line.position), setup));
  });
}

/** sysctl.conf(5): `name = value`. */
export function readSysctlFile(text: string, file: string, setup: HostSetup): void {
  settings({ text, position: { file, line: 1, column: 1 } }, setup, 0);
}

function settings(text: ScriptText, setup: HostSetup, order: number): void {
  eachLine(text, (line) => {
    const [, name, value] = /^-?([^=\s]+)\s*=\s*(.*)$/.exec(line.text) ?? [];
    const read: Read = name === undefined ? { unread: 'it is no setting' } : readSysctl(name, value ?? '', setup, line.position, order + line.position.line - text.position.line, false);
    setup.notes.push(noteOf(line, read, setup));
  });
}

/** Lines that are no comments, as commands. */
function eachLine({ text, position }: ScriptText, take: (line: Invocation) => void): void {
  text.split('\n').forEach((line, index) => {
    const trimmed = line.trim();
    if (trimmed !== '' && !/^[#;]/.test(trimmed)) take({ position: { file: position.file, line: position.line + index, column: 1 }, argv: trimmed.split(/\s+/), outputs: [], input: undefined, text: trimmed });
  });
}

function noteOf(invocation: Invocation, read: Read, setup: HostSetup): Note {
  return readNote(read, { position: invocation.position, text: withoutSecrets(invocation.text.replaceAll(/\s*\\?\n\s*/g, ' ')), ...(setup.name === undefined ? {} : { host: setup.name }) });
}

/** A script may hold passwords; a report shows none that can be told by its name. */
function withoutSecrets(text: string): string {
  return text.replaceAll(/((?:pass(?:word|wd|phrase)?|secret|token|api_?key)\S*?(?:[=:]|\s+))\S+/gi, '$1...');
}

function readCommand(invocation: Invocation, setup: HostSetup, order: number): Read {
  const { argv, position, text, input } = invocation;
  const [program = '', ...rest] = unwrapped(argv);
  const name = path.posix.basename(program);
  const written = intoFile(name, rest, invocation, setup, order);
  if (written !== undefined) return written;
  // Its options are of no interest: start, restart, save.
  if (/\/(rc\.d|init\.d)\//.test(program)) return service([name, ...rest]);
  switch (name) {
    case 'ipvsadm':
      return rest.some((word) => /^(-[n6]*R[n6]*|--restore)$/.test(word)) ? restore(input, setup) : readIpvsadm(rest, setup, position);
    case 'ipvsadm-restore':
      return restore(input, setup);
    case 'ifconfig':
      return readIfconfig(rest, setup, position, order);
    case 'ip':
      return readIp(rest, setup, position, order);
    case 'route':
      return readRoute(rest, setup, position);
    case 'sysctl':
      return sysctl(rest, invocation, setup, order);
    case 'iptables':
    case 'ip6tables':
      return readIptables(name, rest, setup, position, text);
    case 'iptables-restore':
    case 'ip6tables-restore':
      return given(input, (lines) => {
        readSavedRules(lines.text, name.startsWith('ip6') ? 6 : 4, lines.position, setup);
      });
    case 'nft':
      return rest[0] === '-f' || rest[0] === '--file' ? given(rest[1] === '-' || rest[1] === '/dev/stdin' ? input : undefined, (lines) => {
        readNftText(lines, setup);
      }) : readNft(rest, setup, position, text);
    case 'arptables':
      return readArptables(rest, setup);
    case 'modprobe':
    case 'insmod':
      return { ignored: `left out: lvs-play loads the modules that the services need (${rest.filter((word) => !word.startsWith('-')).join(' ')}), also after a reboot` };
    case 'echo':
    case 'printf':
      return { ignored: 'it only says something' };
    case 'service':
    case 'systemctl':
    case 'chkconfig':
    case 'update-rc.d':
      return service(rest);
    case 'rm':
      return rest.every((word) => word.startsWith('-') || /^(\/var|\/run)\/(lock|run)\//.test(word)) ? { ignored: 'it leaves nothing behind that the cluster needs' } : { unread: 'files that are removed are not part of the model' };
    case '.':
    case 'source':
      return /\/(init\.d\/functions|init-functions|rc\.subr|sysconfig\/network)$/.test(rest[0] ?? '') ? { ignored: 'functions of the distribution, which set nothing of a cluster' } : { unread: 'the other file is not read: import it too if it sets what this one needs' };
  }
  if (INSTALLS.has(name)) return /keepalived|ipvsadm/.test(rest.join(' ')) ? { ignored: 'left out: lvs-play installs what the cluster needs' } : { unread: 'these packages are not part of the model: a task of the module package can install them' };
  if (WITHOUT_EFFECT.has(name)) return { ignored: 'it leaves nothing behind that the cluster needs' };
  return { unread: 'this command is not known here' };
}

/** The command that is meant: without sudo, or behind the message of `action` (Red Hat's functions). */
function unwrapped(argv: readonly string[]): readonly string[] {
  const [first = '', second] = argv;
  if (first === 'action' && second !== undefined) return unwrapped(argv.slice(2));
  return WRAPPERS.has(first) && second !== undefined && !second.startsWith('-') ? unwrapped(argv.slice(1)) : argv;
}

function service(words: readonly string[]): Read {
  return /keepalived|ipvsadm/.test(words.join(' ')) ? { ignored: 'left out: lvs-play starts and enables what the cluster needs' } : { unread: 'this service is not part of the model: a task of the module service can do it' };
}

/** What a command reads, taken line by line. */
function given(input: ScriptText | undefined, take: (input: ScriptText) => void): Read {
  if (input === undefined) return { unread: 'what it loads comes from elsewhere: import that file, too' };
  take(input);
  return { ignored: 'its lines are read one by one' };
}

function restore(input: ScriptText | undefined, setup: HostSetup): Read {
  return given(input, (lines) => {
    eachLine(lines, (line) => {
      setup.notes.push(noteOf(line, readIpvsadm(line.argv, setup, line.position), setup));
    });
  });
}

function sysctl(rest: readonly string[], { input, position }: Invocation, setup: HostSetup, order: number): Read {
  if (input === undefined || !rest.some((word) => /^-[a-z]*p$|^--load$/.test(word))) return readSysctlCommand(rest, setup, position, order);
  return given(input, (lines) => {
    settings(lines, setup, order);
  });
}

/** A text of nft -f: tables with their rules, and commands. */
export function readNftText(lines: ScriptText, setup: HostSetup): void {
  for (const { words, text, position } of readNftFile(lines.text, lines.position, setup)) {
    const read: Read = words[0] === 'flush' ? { ignored: 'it empties the firewall before this file is loaded; lvs-play loads its own rules again with the service of nftables' } : readNft(words, setup, position, text);
    setup.notes.push(noteOf({ position, argv: words, outputs: [], input: undefined, text }, read, setup));
  }
}

const SAVES = new Set(['ipvsadm-save', 'iptables-save', 'ip6tables-save', 'arptables-save']);

/** `echo 1 > /proc/sys/...`, also by way of `tee` or `cat <<EOF`; undefined: it writes no file. */
function intoFile(name: string, rest: readonly string[], { outputs, input, position }: Invocation, setup: HostSetup, order: number): Read | undefined {
  const files = name === 'tee' ? [...rest.filter((word) => !word.startsWith('-')), ...outputs] : outputs;
  if (files.length > 0 && (SAVES.has(name) || (name === 'ipvsadm' && rest.some((word) => /^-[nS]*S|^--save/.test(word))))) return { ignored: 'left out: lvs-play keeps what it sets over a reboot by units of its own' };
  const spoken = name === 'echo' || (name === 'printf' && rest[0]?.includes('%') === false);
  const value = name === 'tee' || name === 'cat' ? input : spoken ? { text: rest.filter((word) => !/^-[neE]+$/.test(word)).join(' '), position } : undefined;
  const reads = files.map((file): Read => {
    if (value === undefined) return { unread: `${file} is written, which is not part of the model` };
    if (file.startsWith('/proc/sys/')) return readSysctl(file, value.text.replaceAll('\\n', ''), setup, position, order, true);
    if (!/sysctl(\.conf|\.d\/)/.test(file)) return { unread: `${file} is written, which is not part of the model` };
    return given(value, (lines) => {
      settings({ ...lines, text: lines.text.replaceAll('\\n', '\n') }, setup, order);
    });
  });
  return reads.find((read) => 'unread' in read) ?? reads[0];
}
