import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** Bytes that the nodes may still have: what the kernel calls available, with swap, and not more than the limit of the container leaves. */
export async function availableMemory(): Promise<number> {
  const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
  const own = /^0::(\/.*)$/m.exec(await read('/proc/self/cgroup'))?.[1] ?? '/';
  const group = (file: string): Promise<string> => read(path.join('/sys/fs/cgroup', own, file));
  const [meminfo, max, current, stat] = await Promise.all([read('/proc/meminfo'), group('memory.max'), group('memory.current'), group('memory.stat')]);
  return Math.min(ofMachine(meminfo), ofGroup(max, current, stat));
}

/** Pure: of /proc/meminfo. */
export function ofMachine(meminfo: string): number {
  const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0);
  return (kibibytes('MemAvailable') + kibibytes('SwapFree')) * 1024;
}

/** Pure: of a control group's memory.max, memory.current and memory.stat (cgroup v2); what it holds of files can be given up. Infinite without a limit. */
export function ofGroup(max: string, current: string, stat: string): number {
  const limit = Number(max.trim());
  if (max.trim() === '' || !Number.isFinite(limit)) return Infinity;
  const files = [...stat.matchAll(/^(?:in)?active_file (\d+)$/gm)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
  return limit - Number(current.trim()) + files;
}
