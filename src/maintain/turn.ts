import type { DrainHands } from '../drain/hands.ts';
import type { Observation } from '../observe/observation.ts';
import type { MaintenanceOrder } from './maintenance.ts';

/** Hands that can insist as what they are. */
export type RollHands<H> = Omit<DrainHands, 'insisting'> & { insisting(): H };

/** How hosts of one kind leave service for their maintenance, and come back. */
export interface Turn<H extends RollHands<H> = DrainHands> {
  /**
   * What fails has given back what it took. @returns what to tell of it
   * @throws LvsPlayError
   */
  takeOut(hands: H, order: MaintenanceOrder, batch: readonly string[]): Promise<string>;
  /** @param gently step by step, as the order says; else at once, as something went wrong. @throws LvsPlayError code `not-healthy`: it is out again */
  giveBack(hands: H, order: MaintenanceOrder, batch: readonly string[], gently: boolean): Promise<void>;
  /** Hosts that do not answer yet. */
  away(hands: H, batch: readonly string[]): Promise<readonly string[]>;
  /** Of a host that could not be given back: that it stays out, and how it comes back by hand. */
  leftWords(host: string, why: string): string;
}

/** What is still out so many seconds after its time is called forgotten. */
export const FORGOTTEN_AFTER = 3600;

/** Hosts that give no answer yet. @throws LvsPlayError for one with another key than the one that is known: waiting does not change that */
export function awayFrom({ missing }: Observation<unknown>): string[] {
  for (const { error } of missing) if (error.code.startsWith('host-key')) throw error;
  return missing.map(({ host }) => host);
}
