import { randomBytes } from 'node:crypto';

/**
 * A name for a run: sorts by time (UTC, to four milliseconds), so that the last run of a controller is the one that it began last, and is unlike that of a run which another
 * controller began in the same second: `20261123-182404-3f9a`.
 */
export function newRunId(now: Date): string {
  const digits = now.toISOString().replaceAll(/\D/g, '');
  const part = Math.floor((now.getUTCMilliseconds() * 256) / 1000);
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}-${part.toString(16).padStart(2, '0')}${randomBytes(1).toString('hex')}`;
}
