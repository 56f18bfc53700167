const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600, d: 86400 };

/** Seconds of `90`, `90s`, `5m`, `2h`, `1d` or `1h30m`; undefined for anything else, and for none at all. */
export function parseDuration(text: string): number | undefined {
  const parts = [...text.trim().matchAll(/(\d+)\s*(s|min|m|h|d)?\s*/gy)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text.trim()) return undefined;
  // A bare number means seconds, and only alone: 1h30 could mean either.
  if (parts.length > 1 && parts.some(([, , unit]) => unit === undefined)) return undefined;
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? 's'] ?? 1), 0);
  return seconds > 0 ? seconds : undefined;
}

/** Milliseconds of `20ms`, or of what `parseDuration` takes. */
export function parseMilliseconds(text: string): number | undefined {
  const milliseconds = /^\s*(\d+)\s*ms\s*$/.exec(text)?.[1];
  if (milliseconds !== undefined) return Number(milliseconds) > 0 ? Number(milliseconds) : undefined;
  const seconds = parseDuration(text);
  return seconds === undefined ? undefined : seconds * 1000;
}
