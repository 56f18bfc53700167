import { readFile } from 'node:fs/promises';

/**
 * The argv before a node's kernel that keeps it on one of the CPUs which this process may use. A guest's process and its kernel are two processes of this machine
 * that take turns at every system call: on one CPU that cost a fifth less time than on two (2.4 s for 2.8-3.1 s: 160 processes and 18 larger programs).
 */
export async function onOneCpu(lab: string, index: number): Promise<string[]> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const cpu = cpuOf(parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? ''), lab, index);
  return cpu === undefined ? [] : ['taskset', '-c', String(cpu)];
}

/** Pure: the nodes of a lab in turn, and labs from different ones. */
export function cpuOf(allowed: readonly number[], lab: string, index: number): number | undefined {
  const first = Buffer.from(lab).reduce((sum, byte) => sum + byte, 0);
  return allowed.length === 0 ? undefined : allowed[(first + index) % allowed.length];
}

/** Pure: `0-2,5` as the kernel writes it. */
export function parseCpuList(text: string): number[] {
  return [...text.matchAll(/(\d+)(?:-(\d+))?/g)].flatMap(([, from = '', to = from]) => Array.from({ length: Number(to) - Number(from) + 1 }, (_, step) => Number(from) + step));
}
