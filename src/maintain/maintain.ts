import { LvsPlayError, messageOf } from '../core/errors.ts';
import { requireDone } from '../drain/drain.ts';
import { rebootPlays } from '../drain/plays.ts';
import { type HostStage, type Maintenance, nextStage, openBatches, withStage } from './maintenance.ts';
import type { RollHands, Turn } from './turn.ts';

/** Kept before each thing that is done, so that whoever goes on knows where. */
export type KeepMaintenance = (maintenance: Maintenance) => void;

/** For a host to start. */
const RESTART_MS = 600_000;

/**
 * Takes batch after batch out of service, works on it, and gives it back. The first that fails stops the roll; of its hosts those that can serve are given back.
 * @returns the maintenance as it ended. @throws LvsPlayError why it stopped
 */
export async function maintain<H extends RollHands<H>>(hands: H, turn: Turn<H>, begun: Maintenance, keep: KeepMaintenance): Promise<Maintenance> {
  let now = begun;
  const mark = (next: Maintenance): void => {
    now = next;
    keep(now);
  };
  mark(now);
  for (const batch of openBatches(now)) {
    if (hands.signal.aborted) throw new LvsPlayError({ code: 'interrupted', kind: 'interrupted', message: `interrupted before ${batch.join(', ')}` });
    hands.say('info', `${batch.join(', ')}: ${nextStage(now, batch) === 'drain' ? 'maintenance begins' : 'maintenance goes on'}`);
    await maintainBatch({ hands, turn, now: () => now, mark }, batch);
  }
  return now;
}

interface Roll<H extends RollHands<H>> {
  readonly hands: H;
  readonly turn: Turn<H>;
  readonly now: () => Maintenance;
  readonly mark: (next: Maintenance) => void;
}

async function maintainBatch<H extends RollHands<H>>(roll: Roll<H>, batch: readonly string[]): Promise<void> {
  const { hands, turn, now, mark } = roll;
  const { order } = now();
  const stage = (reached: HostStage): void => {
    mark(withStage(now(), batch, reached));
  };
  if (nextStage(now(), batch) === 'drain') {
    stage('draining');
    try {
      hands.say('info', await turn.takeOut(hands, order, batch));
    } catch (error) {
      // It has given back what it took.
      stage('waiting');
      throw error;
    }
    stage('drained');
  }
  try {
    await untilReached(roll, batch);
    if (nextStage(now(), batch) === 'work') {
      if (order.playbook !== null) requireDone(await hands.run({ line: `deploy ${order.playbook}`, what: { playbook: order.playbook, limit: batch }, allow: order.allow }), `the work on ${batch.join(', ')} failed`);
      stage('worked');
    }
    if (nextStage(now(), batch) === 'reboot') {
      if (order.reboot) requireDone(await hands.run({ line: `reboot ${batch.join(' ')}`, what: { plays: rebootPlays(batch, order.reason === '' ? 'maintenance' : order.reason) }, allow: order.allow }), `${batch.join(', ')} did not come back`);
      stage('rebooted');
    }
    await turn.giveBack(hands, order, batch, true);
    stage('restored');
  } catch (error) {
    await rescue(roll, batch, error);
    throw error;
  }
}

/** One that was killed may have left a host in the middle of its restart. */
async function untilReached<H extends RollHands<H>>({ hands, turn }: Roll<H>, batch: readonly string[]): Promise<void> {
  const begun = hands.now();
  for (;;) {
    const away = await turn.away(hands, batch);
    if (away.length === 0 || hands.signal.aborted || hands.now() - begun > RESTART_MS) return;
    hands.progress(`${away.join(', ')} cannot be reached yet`);
    await hands.sleep(1000);
  }
}

/** The roll stops here. What can serve does so again, each host for itself; what cannot stays out, and is named. */
async function rescue<H extends RollHands<H>>({ hands, turn, now, mark }: Roll<H>, batch: readonly string[], why: unknown): Promise<void> {
  // The operator's Ctrl-C ends the work, not the giving back.
  const firm = hands.insisting();
  const sick = why instanceof LvsPlayError && why.code === 'not-healthy';
  if (sick) {
    mark(withStage(now(), batch, 'left'));
    return;
  }
  firm.say('warning', `${messageOf(why)}: what can serve of ${batch.join(', ')} is given back`);
  for (const host of batch) {
    try {
      await turn.giveBack(firm, now().order, [host], false);
      mark(withStage(now(), [host], 'waiting'));
    } catch (error) {
      mark(withStage(now(), [host], 'left'));
      firm.say('warning', turn.leftWords(host, messageOf(error)));
    }
  }
}
