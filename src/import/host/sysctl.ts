import type { Position } from '../../core/errors.ts';
import type { Read } from '../types.ts';
import type { HostSetup } from './setup.ts';

/** A kernel parameter: a file below /proc/sys, or a name of sysctl(8). */
export function readSysctl(name: string, value: string, setup: HostSetup, position: Position, order: number, transient: boolean): Read {
  const slashes = /^[^.]*\//.test(name);
  const key = slashes ? name.replace(/^\/proc\/sys\//, '') : name.replaceAll(/[./]/g, (one) => (one === '.' ? '/' : '.'));
  if (!/^net\/ipv[46]\/(ip_forward$|vs\/|conf\/[^/]+\/(arp_ignore|arp_announce|rp_filter|send_redirects|forwarding)$)/.test(key)) return { unread: 'this parameter has no part in the model: set it with a task of the module sysctl' };
  setup.sysctls.push({ key, value: value.trim(), position, order, transient });
  return { done: `${key.replaceAll('/', '.')} = ${value.trim()}` };
}

/** The words of `sysctl -w a=b c=d`, or of `sysctl -p`. */
export function readSysctlCommand(words: readonly string[], setup: HostSetup, position: Position, order: number): Read {
  const settings = words.filter((word) => !word.startsWith('-')).map((word) => /^([^=\s]+)\s*=\s*(.*)$/s.exec(word));
  if (words.some((word) => /^-[^-]*p|^--(load|system)/.test(word))) return { ignored: 'the files it loads can be imported themselves' };
  const reads = settings.map((match) => (match === null ? undefined : readSysctl(match[1] ?? '', match[2] ?? '', setup, position, order, true)));
  if (reads.length === 0 || reads.includes(undefined)) return { ignored: 'it only shows' };
  return reads.find((read) => read !== undefined && 'unread' in read) ?? reads[0] ?? { ignored: 'it only shows' };
}
