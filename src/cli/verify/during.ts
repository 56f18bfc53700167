import { setTimeout as delay } from 'node:timers/promises';
import { startWatch, type Watch } from '../../apply/pair/watch.ts';
import { shellCommand } from '../../core/text/quote.ts';
import { timelines } from '../../lvs/change/timeline.ts';
import { judgeHolders, judgePulse } from '../../pulse/judge.ts';
import { type Pulse, startPulse } from '../../pulse/pulse.ts';
import type { PulseReport } from '../../pulse/types.ts';
import { clientRequest } from '../../verify/judge/requests.ts';
import { LvsPlayError } from '../../core/errors.ts';
import { kindOfMissing } from '../../observe/missing.ts';
import { measuredAt, missingHosts, reportOf } from '../../verify/report.ts';
import { carriersOf } from '../../verify/run.ts';
import { countWords } from '../../verify/format.ts';
import type { Check, MeasuredCheck, VerificationReport } from '../../verify/types.ts';
import { interruptible, withSignals } from '../interrupt.ts';
import { printProgress, processSecrets } from '../output.ts';
import { startOperatorCommand } from './command.ts';
import type { DuringFlags } from './flags.ts';
import { look, lookAgain, type Means } from './look.ts';

/** A director is watched no longer; a command may take longer. */
const WATCHED_SECONDS = 3600;
/** Before the command, so that it is seen how things were. */
const LEAD_MS = 500;
/** After it, and then until nothing fails any more, but not for ever. */
const TAIL_MS = 1000;
const CALM_MS = 30_000;

/** Verifies, runs a command while clients go on asking, and verifies again. Ctrl-C goes to the command; what was seen is reported all the same. @throws what `look` throws, before the command is started */
export async function verifyDuring(means: Means, during: DuringFlags, documents: boolean): Promise<{ readonly report: VerificationReport; readonly pulses: readonly PulseReport[] }> {
  const begun = Date.now();
  const say = (text: string): void => {
    printProgress(processSecrets.mask(`${text}\n`));
  };
  const before = await interruptible((signal) => look(means, signal, true));
  // What the command would do to hosts that nobody has heard from, nobody could say.
  const silent = missingHosts(before.checks);
  if (silent.length > 0) throw new LvsPlayError({ code: 'not-looked-at', kind: kindOfMissing(silent), ...(silent.length === 1 ? { host: silent[0]?.host } : {}), message: `the state before is unknown: ${before.checks.filter(({ name }) => name === 'reached').map(({ reason = '' }) => reason).join('; ')}; the command was not run` });
  say(`before: ${countWords(before)}; running: ${shellCommand(during.argv)}`);
  const { checks, pulses } = await measured(means, during, documents);
  const after = await interruptible((signal) => lookAgain(means, signal).catch((error: unknown) => interruptedReport(error, signal, before.from)));
  const inPhase = (all: readonly MeasuredCheck[], phase: 'before' | 'during' | 'after'): MeasuredCheck[] => all.map((check) => ({ ...check, phase }));
  const all = [...inPhase(before.checks, 'before'), ...inPhase(checks, 'during'), ...inPhase(after.checks, 'after')];
  return { report: reportOf(all, before.from, begun, Date.now()), pulses };
}

/** What was measured up to then is worth a report all the same. */
function interruptedReport(error: unknown, signal: AbortSignal, from: readonly string[]): VerificationReport {
  if (!signal.aborted) throw error;
  const now = Date.now();
  return reportOf(measuredAt([{ name: 'reached', subject: 'cluster', verdict: 'fail', measured: 'not looked at', expected: 'a look at the end', reason: 'interrupted' }], now), from, now, now);
}

interface Measured {
  readonly checks: readonly MeasuredCheck[];
  readonly pulses: readonly PulseReport[];
}

async function measured(means: Means, during: DuringFlags, documents: boolean): Promise<Measured> {
  const { topology, flags } = means;
  const stop = new AbortController();
  const running: { command?: ReturnType<typeof startOperatorCommand> } = {};
  const onSignal = (signal: NodeJS.Signals): void => {
    if (running.command === undefined) stop.abort();
    else running.command.signal(signal);
  };
  return withSignals(onSignal, async () => {
    const watched = await startWatches(means);
    const requests = [...topology.services.values()].flatMap((service) => {
      const request = clientRequest(service, flags.path);
      return request === undefined ? [] : [{ service: service.name, request, every: during.every, held: during.hold }];
    });
    const pulses = await Promise.all(requests.map((plan) => startPulse(plan)));
    try {
      await pause(Math.max(LEAD_MS, during.every), stop.signal);
      const started = Date.now();
      // Asked to end before it began: then it does not begin.
      const code = stop.signal.aborted ? undefined : await (running.command = startOperatorCommand(during.argv, documents)).ended;
      const took = Date.now() - started;
      delete running.command;
      await calm(pulses, during.every, stop.signal);
      const reports = await Promise.all(pulses.map((pulse) => pulse.end()));
      const holders = await judgeWatched(means, watched);
      const checks = [judgeCommand(during.argv, code, took), ...reports.map((report) => judgePulse(report, during.tolerated)), ...holders];
      return { checks: measuredAt(checks, Date.now()), pulses: reports };
    } catch (error) {
      await Promise.all([...pulses.map((pulse) => pulse.end()), ...watched.watches.map((watch) => watch.end())]);
      throw error;
    }
  });
}

function judgeCommand(argv: readonly string[], code: number | undefined, took: number): Check {
  const check = { name: 'command', subject: shellCommand(argv), expected: 'exit code 0' } as const;
  if (code === undefined) return { ...check, verdict: 'fail', measured: 'not run', reason: 'interrupted before it began' };
  const measuredWords = `exit code ${String(code)} after ${(took / 1000).toFixed(1)} s`;
  return code === 0 ? { ...check, verdict: 'pass', measured: measuredWords } : { ...check, verdict: 'fail', measured: measuredWords, reason: 'the command failed' };
}

/** Waits until the effects of the command have come to rest: all that is sent is answered. Who never answered is not waited for. */
async function calm(pulses: readonly Pulse[], every: number, signal: AbortSignal): Promise<void> {
  await pause(TAIL_MS, signal);
  const deadline = Date.now() + CALM_MS;
  let before = pulses.map((pulse) => pulse.so());
  while (Date.now() < deadline && !signal.aborted) {
    await pause(Math.max(500, 2 * every), signal);
    const now = pulses.map((pulse) => pulse.so());
    const rests = now.every((one, index) => {
      const was = before[index];
      return one.answered === 0 || (was !== undefined && one.answered > was.answered && one.sent - one.answered === was.sent - was.answered);
    });
    if (rests) return;
    before = now;
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}

interface Watched {
  readonly began: number;
  readonly watches: readonly Watch[];
}

async function startWatches({ topology, opened }: Means): Promise<Watched> {
  const began = Date.now();
  const watches = await Promise.all([...topology.directors.keys()].map(async (host) => startWatch(host, await opened.target(host), WATCHED_SECONDS)));
  return { began, watches: watches.filter((watch) => watch !== undefined) };
}

async function judgeWatched({ topology, opened }: Means, { began, watches }: Watched): Promise<Check[]> {
  const inTime = Date.now() - began < WATCHED_SECONDS * 1000;
  const logs = await Promise.all(
    watches.map(async (watch) => {
      const log = await watch.end();
      if (log !== undefined) return log;
      // The connection may be all that was lost.
      await (await opened.target(watch.host)).reset();
      return watch.end();
    }),
  );
  const complete = inTime ? logs.filter((log) => log !== undefined) : [];
  return [...carriersOf(topology)].flatMap(([vip, carriers]) => {
    const unwatched = carriers.filter((host) => complete.every((log) => log.host !== host));
    return timelines([vip], complete.filter(({ host }) => carriers.includes(host))).map((timeline) => judgeHolders(timeline, unwatched));
  });
}
