import { LvsPlayError, messageOf } from '../core/errors.ts';
import { drain, drainedWords, requireDone } from './drain.ts';
import type { DrainHands } from './hands.ts';
import { type Maintenance, nextStage, openBatches, withStage } from './maintenance.ts';
import { rebootPlays } from './plays.ts';
import { restore } from './restore.ts';

/** Kept before each thing that is done, so that whoever goes on knows where. */
export type KeepMaintenance = (maintenance: Maintenance) => void;

/** A drain that outlives its maintenance by this many seconds is called forgotten. */
const FORGOTTEN_AFTER = 3600;

/** What has just started again may need so many seconds until all of it serves. */
const START_SECONDS = 60;

/** And to start. */
const RESTART_MS = 600_000;

/**
 * Takes batch after batch out of service, works on it, and gives it back. The first that fails stops the roll; of its hosts those that can serve are given back.
 * @returns the maintenance as it ended. @throws LvsPlayError why it stopped
 */
export async function maintain(hands: DrainHands, begun: Maintenance, keep: KeepMaintenance): Promise<Maintenance> {
  let now = begun;
  const mark = (next: Maintenance): void => {
    now = next;
    keep(now);
  };
  mark(now);
  for (const batch of openBatches(now)) {
    if (hands.signal.aborted) throw new LvsPlayError({ code: 'interrupted', kind: 'interrupted', message: `interrupted before ${batch.join(', ')}` });
    hands.say('info', `${batch.join(', ')}: ${nextStage(now, batch) === 'drain' ? 'maintenance begins' : 'maintenance goes on'}`);
    await maintainBatch(hands, batch, () => now, mark);
  }
  return now;
}

async function maintainBatch(hands: DrainHands, batch: readonly string[], now: () => Maintenance, mark: (next: Maintenance) => void): Promise<void> {
  const { order } = now();
  const stage = (reached: Maintenance['hosts'][string]): void => {
    mark(withStage(now(), batch, reached));
  };
  if (nextStage(now(), batch) === 'drain') {
    stage('draining');
    const until = new Date(hands.now() + (order.timeout + FORGOTTEN_AFTER) * 1000).toISOString();
    try {
      hands.say('info', drainedWords(await drain(hands, { ...order, hosts: batch, until, persistence: order.persistence ?? undefined })));
    } catch (error) {
      // It has given back what it took.
      stage('waiting');
      throw error;
    }
    stage('drained');
  }
  try {
    await untilReached(hands, batch);
    if (nextStage(now(), batch) === 'work') {
      if (order.playbook !== null) requireDone(await hands.run({ line: `deploy ${order.playbook}`, what: { playbook: order.playbook, limit: batch }, allow: order.allow }), `the work on ${batch.join(', ')} failed`);
      stage('worked');
    }
    if (nextStage(now(), batch) === 'reboot') {
      if (order.reboot) requireDone(await hands.run({ line: `reboot ${batch.join(' ')}`, what: { plays: rebootPlays(batch, order.reason === '' ? 'maintenance' : order.reason) }, allow: order.allow }), `${batch.join(', ')} did not come back`);
      stage('rebooted');
    }
    await giveBack(hands, now(), batch, order.ramp);
    stage('restored');
  } catch (error) {
    await rescue(hands, now, mark, batch, error);
    throw error;
  }
}

/** One that was killed may have left a host in the middle of its restart. */
async function untilReached(hands: DrainHands, batch: readonly string[]): Promise<void> {
  const begun = hands.now();
  for (;;) {
    const { servers } = await hands.look(batch);
    const away = batch.filter((host) => servers.get(host) === undefined);
    if (away.length === 0 || hands.signal.aborted || hands.now() - begun > RESTART_MS) return;
    hands.progress(`${away.join(', ')} cannot be reached yet`);
    await hands.sleep(1000);
  }
}

async function giveBack(hands: DrainHands, { order }: Maintenance, hosts: readonly string[], ramp: readonly string[]): Promise<void> {
  await restore(hands, { hosts, by: order.by, ramp, hold: order.hold, settle: START_SECONDS, allow: order.allow });
}

/** The roll stops here. What can serve does so again, each host for itself; what cannot stays drained, and is named. */
async function rescue(hands: DrainHands, now: () => Maintenance, mark: (next: Maintenance) => void, batch: readonly string[], why: unknown): Promise<void> {
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
      await giveBack(firm, now(), [host], []);
      mark(withStage(now(), [host], 'waiting'));
    } catch (error) {
      mark(withStage(now(), [host], 'left'));
      firm.say('warning', `${host} stays drained: ${messageOf(error)}; when it is well: lvs-play restore ${host}`);
    }
  }
}
