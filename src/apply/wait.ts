import type { StepOutcome, WaitStep } from '../modules/contract.ts';
import type { Target } from '../transport/target.ts';

/** Between two looks. */
const POLL_MS = 2000;

export interface WaitServices {
  /** Told once for each that holds it. */
  readonly tell: (text: string) => void;
  /** Milliseconds; ends early when the run is interrupted. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Looks until nobody holds what a step needs. An interruption ends the wait: nothing has been begun. */
export async function waitUntilFree(target: Target, step: WaitStep, become: boolean, { tell, sleep, signal }: WaitServices): Promise<StepOutcome> {
  let told = '';
  for (let look = 1; ; look++) {
    const reply = await target.request({ script: step.script, become });
    const holder = reply.stdout.toString('utf8').trim().split('\n')[0] ?? '';
    if (holder === '') return { exitCode: 0, stdout: '', stderr: '' };
    if (signal.aborted) return { exitCode: 1, stdout: '', stderr: `interrupted while it waited: ${holder}` };
    if (look >= step.looks) return { exitCode: 1, stdout: '', stderr: `${holder}, for ${String(Math.round((step.looks * POLL_MS) / 1000))} s; nothing was changed` };
    if (holder !== told) tell(`${target.host}: ${holder}; waiting for it to finish`);
    told = holder;
    await sleep(POLL_MS);
  }
}
