import { connectOnce, requestOnce } from '../verify/controller-vantage.ts';
import { holdOpen } from './held.ts';
import { newTally, summarise, withBeat } from './summary.ts';
import type { PulsePlan, PulseReport } from './types.ts';

/** A request that takes longer has failed: a client would have given up. */
const REPLY_MS = 5000;
/** Requests under way at the same time: while nobody answers, they pile up. What is above this is not sent, and not counted. */
const MOST_OPEN = 400;

/** Requests that go on until they are ended. */
export interface Pulse {
  /** How it has been so far. */
  so(): PulseReport;
  /** Sends no more, waits for what is under way, and asks the connections that were held. */
  end(): Promise<PulseReport>;
}

/**
 * Clients, played by this process: one request after the other at a steady pace, each over a connection of its own, whether those before it were answered or not.
 * @returns when the connections that are to be held have answered
 */
export async function startPulse(plan: PulsePlan, from = 'controller'): Promise<Pulse> {
  const { request } = plan;
  const held = plan.held > 0 && request.kind === 'http' && request.scheme === 'http' ? await holdOpen(request, plan.held) : undefined;
  const open = new Set<Promise<void>>();
  let tally = newTally(Date.now());
  const beat = async (): Promise<void> => {
    const at = Date.now();
    const sample = await (request.kind === 'http' ? requestOnce(request, REPLY_MS) : connectOnce(request.address, request.port, REPLY_MS));
    // A server's own error is no answer.
    const fault = sample.fault?.text ?? (sample.status >= 500 ? `HTTP ${String(sample.status)}` : undefined);
    const ended = Date.now();
    tally = withBeat(tally, ended, fault);
    plan.tell?.({ service: plan.service, at, ended, fault: fault ?? null });
  };
  const timer = setInterval(() => {
    if (open.size >= MOST_OPEN) return;
    const one = beat().finally(() => open.delete(one));
    open.add(one);
  }, plan.every);
  return {
    so: () => summarise(plan, from, tally, Date.now(), null),
    end: async () => {
      clearInterval(timer);
      const stopped = Date.now();
      await Promise.all(open);
      return summarise(plan, from, tally, Math.max(stopped, tally.last), held === undefined ? null : await held.end());
    },
  };
}
