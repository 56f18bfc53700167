import type { HeldLock, LockOwner } from './types.ts';

/** `bob@ops1 since 2026-11-23 14:02 UTC (deploy site.yml, "kernel patch", run 20261123-140211-3f9a)`. */
export function ownerText(owner: LockOwner): string {
  const about = [owner.command, ...(owner.reason === undefined ? [] : [JSON.stringify(owner.reason)]), ...(owner.expiry === undefined ? [] : [`run ${owner.id}`])];
  return `${owner.owner} since ${owner.since.slice(0, 16).replace('T', ' ')} UTC (${about.join(', ')})`;
}

/** How a lock stands: `last sign of life 4 s ago`, `taken by hand, for 2 h more`. */
export function stateText({ owner, age }: HeldLock): string {
  if (owner.expiry !== undefined) return age > owner.expiry ? `dead: no sign of life for ${duration(age)}` : `last sign of life ${duration(age)} ago`;
  if (owner.lasts === undefined) return 'taken by hand, until it is released';
  return age > owner.lasts ? 'taken by hand, and its time is over' : `taken by hand, for ${duration(owner.lasts - age)} more`;
}

/** Whether the next who comes may take it over. */
export function isStale({ owner, age }: HeldLock): boolean {
  const limit = owner.expiry ?? owner.lasts;
  return limit !== undefined && age > limit;
}

/** Seconds in words: `45 s`, `3 min`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${String(Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${String(minutes)} min`;
  return minutes % 60 === 0 ? `${String(minutes / 60)} h` : `${String(Math.floor(minutes / 60))} h ${String(minutes % 60)} min`;
}
