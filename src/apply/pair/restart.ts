import { LvsPlayError, messageOf } from '../../core/errors.ts';
import { masterDown } from '../../lvs/change/classify.ts';
import type { PairRestart, Step } from '../../modules/contract.ts';
import type { Done } from '../executed.ts';
import type { Observation } from '../../observe/observation.ts';
import { type DirectorNow, holderFaults, readinessFaults } from './director.ts';
import { type DoSteps, SETTLE_MS, START, STOP } from './keepalived-steps.ts';
import type { PairLook } from './look.ts';

/** A daemon that starts with the host waits for its network. */
const BOOT_MS = 60_000;

/**
 * Steps that restart the daemon, or its host. Before another member may follow, it runs again and is able to take over, and each virtual IP has one holder.
 * @throws LvsPlayError when that does not come about
 */
export async function restartMember(look: PairLook, host: string, { pairs }: PairRestart, steps: readonly Step[], doSteps: DoSteps): Promise<Done> {
  const vips = look.vipsOf(pairs);
  const members = look.membersOf(pairs);
  const states = await look.ask(members);
  const before = states.at(host);
  // Without a pair there is nobody to look at.
  if (before === undefined) return doSteps(steps);
  if (before.kind !== 'answered') throw restartFailed(host, `${readinessFaults(host, states).join('; ')}: it was not restarted`, 'see whether it is up');
  // Nothing ran that could be missed.
  if (!before.value.alive) return doSteps(steps);
  const election = electionMs(states);
  const faultsOf = (now: Observation<DirectorNow>): string[] => [...readinessFaults(host, now), ...holderFaults(vips, now)];
  const reboots = steps.some((step) => step.kind === 'reboot');
  if (reboots) await giveAway(look, host, pairs, states, doSteps);
  const watches = reboots ? [] : await look.watch(members);
  const done = await doSteps(steps);
  const faults = await look.settled(members, faultsOf, (reboots ? BOOT_MS : SETTLE_MS) + election);
  if (!reboots) await look.report(pairs, [host], watches);
  if (done.failing !== undefined || faults.length === 0) return done;
  throw restartFailed(host, `${faults.join('; ')}; no other director is restarted`);
}

/**
 * Before a host goes down for long, the others hold its virtual IPs: keepalived stops in order, and that is seen. Nothing of a watch on the host itself would
 * outlive the reboot.
 * @throws LvsPlayError: nobody can take over, or nobody did; keepalived runs as before then
 */
async function giveAway(look: PairLook, host: string, pairs: readonly string[], states: Observation<DirectorNow>, doSteps: DoSteps): Promise<void> {
  const vips = look.vipsOf(pairs);
  const members = look.membersOf(pairs);
  const others = members.filter((member) => member !== host);
  const unready = others.flatMap((other) => readinessFaults(other, states));
  if (unready.length === others.length) throw restartFailed(host, `${unready.join('; ')}: nobody would hold the virtual IPs while ${host} is down; it was not rebooted`, `bring ${others.join(' or ')} back first; where an outage is wanted, stop keepalived on ${host} by a task of its own before`);
  const watches = await look.watch(members);
  let faults: readonly string[];
  try {
    const stopped = await doSteps([STOP]);
    faults = stopped.failing === undefined ? await look.settled(members, (now) => holderFaults(vips, now), SETTLE_MS + electionMs(states)) : [`${stopped.failing.title} failed`];
    await look.report(pairs, [host], watches);
  } catch (error) {
    // Whatever went wrong: it may have stopped.
    faults = [messageOf(error)];
  }
  if (faults.length === 0) return;
  const started = await doSteps([START]).catch(() => undefined);
  const again = started?.failing === undefined && started !== undefined ? 'it was started again' : 'it could not be started again';
  throw restartFailed(host, `${faults.join('; ')} after keepalived had stopped on ${host}; ${again}, and ${host} was not rebooted`);
}

function electionMs(states: Observation<DirectorNow>): number {
  return 1000 * Math.max(0, ...states.each(({ running }) => (running?.instances ?? []).map(masterDown)).flat());
}

/** The error of a restart that did not end well, or that is not made. */
export function restartFailed(host: string, message: string, hint = `journalctl -u keepalived on ${host} tells why`): LvsPlayError {
  return new LvsPlayError({ code: 'pair-restart-failed', kind: 'host', host, message, hint });
}
