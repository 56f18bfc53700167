import { randomBytes } from 'node:crypto';

/** A name for a run: sorts by time (UTC), and is unlike that of a run which another controller began in the same second: `20261123-182404-3f9a`. */
export function newRunId(now: Date): string {
  const digits = now.toISOString().replaceAll(/\D/g, '');
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}-${randomBytes(2).toString('hex')}`;
}
