import { LvsPlayError } from '../../../src/core/errors.ts';
import { maintain } from '../../../src/maintain/maintain.ts';
import type { Maintenance } from '../../../src/maintain/maintenance.ts';
import type { RollHands, Turn } from '../../../src/maintain/turn.ts';

export const PLAYBOOK = '/srv/patch.yml';

/** What is ordered by these tests, but for who and in which batches. */
export const ORDER: Omit<Maintenance['order'], 'batches'> = {
  playbook: PLAYBOOK,
  reboot: true,
  by: 'alice@ops1',
  reason: 'patch day',
  timeout: 60,
  onTimeout: 'abort',
  persistence: null,
  ramp: [],
  hold: 2,
  allow: [],
  removedShare: 0.5,
};

export interface Carried {
  /** All that was written to the journal. */
  readonly states: readonly Maintenance[];
  readonly error: LvsPlayError | undefined;
  readonly last: Maintenance;
}

/** Runs a maintenance to its end, whatever that is. */
export async function carry<H extends RollHands<H>>(hands: H, turn: Turn<H>, begun: Maintenance): Promise<Carried> {
  const states: Maintenance[] = [];
  const error = await maintain<H>(hands, turn, begun, (state) => states.push(state)).then(
    () => undefined,
    (cause: unknown) => {
      if (cause instanceof LvsPlayError) return cause;
      throw cause;
    },
  );
  return { states, error, last: states.at(-1) ?? begun };
}
