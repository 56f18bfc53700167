import { drain, drainedWords } from '../drain/drain.ts';
import { restore } from '../drain/restore.ts';
import { awayFrom, FORGOTTEN_AFTER, type Turn } from './turn.ts';

/** What has just started may need so many seconds until all of it serves. */
const START_SECONDS = 60;

/** Real servers are drained, and get their weight back in steps. */
export const serverTurn: Turn = {
  takeOut: async (hands, order, batch) => {
    const until = new Date(hands.now() + (order.timeout + FORGOTTEN_AFTER) * 1000).toISOString();
    return drainedWords(await drain(hands, { ...order, hosts: batch, until, persistence: order.persistence ?? undefined }));
  },
  giveBack: async (hands, order, batch, gently) => {
    await restore(hands, { hosts: batch, by: order.by, ramp: gently ? order.ramp : [], hold: order.hold, settle: START_SECONDS, allow: order.allow });
  },
  away: async (hands, batch) => awayFrom((await hands.look(batch)).servers),
  leftWords: (host, why) => `${host} stays drained: ${why}; when it is well: lvs-play restore ${host}`,
};
