import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** A shell that starts and ends processes, as user-mode kernels do all the time. */
const PROCESSES = 'i=0; while [ $i -lt 300 ]; do (:); i=$((i + 1)); done';

/**
 * How many lab files run at the same time. Labs mostly wait, so that three have room on two cores. But there are virtual machines whose cores do not add up where
 * processes are started: as soon as a second one does that too, each takes twice as long (their host keeps their page tables). There a third lab only makes everybody late.
 */
export async function labsAtOnce(): Promise<number> {
  const alone = await duration(1);
  const together = await duration(Math.min(2, availableParallelism()));
  return together > 1.6 * alone ? 2 : 3;
}

/** Milliseconds until so many of them, side by side, are done. */
async function duration(count: number): Promise<number> {
  const begin = performance.now();
  await Promise.all(Array.from({ length: count }, () => new Promise((resolve, reject) => spawn('sh', ['-c', PROCESSES], { stdio: 'ignore' }).on('error', reject).on('close', resolve))));
  return performance.now() - begin;
}
