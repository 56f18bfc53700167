import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closesAt, nextOpening, parseWindows } from '../../../src/window/window.ts';
import { zonedInstant, zonedTime } from '../../../src/window/zone.ts';

const at = (text: string): number => Date.parse(text);
const iso = (instant: number | undefined): string | undefined => (instant === undefined ? undefined : new Date(instant).toISOString());

describe('windows', () => {
  it.each([
    ['Sat 02:00-04:00 Europe/Berlin', '2026-11-28T01:00:00Z', '2026-11-28T03:00:00.000Z'],
    ['Sat 02:00-04:00 Europe/Berlin', '2026-11-28T00:59:59Z', undefined],
    ['Sat 02:00-04:00 Europe/Berlin', '2026-11-28T03:00:00Z', undefined],
    ['Sat 02:00-04:00 Europe/Berlin', '2026-11-29T01:30:00Z', undefined],
    // In summer the same hours are two ahead of UTC.
    ['Sat 02:00-04:00 Europe/Berlin', '2026-07-04T00:00:00Z', '2026-07-04T02:00:00.000Z'],
    ['Mon-Fri 22:00-05:00 UTC', '2026-11-28T04:59:00Z', '2026-11-28T05:00:00.000Z'],
    ['Mon-Fri 22:00-05:00 UTC', '2026-11-28T22:30:00Z', undefined],
    ['Fri-Mon 10:00-11:00 UTC', '2026-11-29T10:10:00Z', '2026-11-29T11:00:00.000Z'],
    ['sat,sunday 00:00-24:00 UTC', '2026-11-29T23:59:00Z', '2026-11-30T00:00:00.000Z'],
    ['02:00-04:00 Asia/Kolkata', '2026-11-23T20:30:00Z', '2026-11-23T22:30:00.000Z'],
    ['Tue 01:00-02:00 UTC; Mon 01:00-03:00 UTC', '2026-11-23T01:30:00Z', '2026-11-23T03:00:00.000Z'],
    // Clocks go forward at two: what begins at half past two begins at three.
    ['Sun 02:30-04:00 Europe/Berlin', '2026-03-29T00:59:59Z', undefined],
    ['Sun 02:30-04:00 Europe/Berlin', '2026-03-29T01:00:00Z', '2026-03-29T02:00:00.000Z'],
    // Clocks go back at three: two to three comes twice, and four is an hour later.
    ['Sun 02:00-04:00 Europe/Berlin', '2026-10-25T00:00:00Z', '2026-10-25T03:00:00.000Z'],
    ['Sun 02:00-04:00 Europe/Berlin', '2026-10-25T02:59:00Z', '2026-10-25T03:00:00.000Z'],
  ])('%s at %s closes at %s', (text, now, closes) => {
    expect(iso(closesAt(parseWindows(text, 'UTC'), at(now)))).toBe(closes);
  });

  it('without a zone means the clocks of the controller', () => {
    expect(iso(closesAt(parseWindows('02:00-04:00', 'America/New_York'), at('2026-11-23T07:00:00Z')))).toBe('2026-11-23T09:00:00.000Z');
  });

  it.each([
    ['Sat 02:00-04:00 Europe/Berlin', '2026-11-23T12:00:00Z', '2026-11-28T01:00:00.000Z'],
    ['Sat 02:00-04:00 Europe/Berlin', '2026-11-28T01:00:00Z', '2026-12-05T01:00:00.000Z'],
    ['Mon 12:00-13:00 UTC; 11:00-11:30 UTC', '2026-11-23T11:20:00Z', '2026-11-23T12:00:00.000Z'],
  ])('%s after %s opens at %s', (text, now, opens) => {
    expect(iso(nextOpening(parseWindows(text, 'UTC'), at(now))?.from)).toBe(opens);
  });

  it.each([
    ['', 'is no window'],
    ['Sat', 'is no window'],
    ['Sat 2-4', 'is no window'],
    ['Sat 25:00-26:00', 'no such time'],
    ['Sat 02:60-04:00', 'no such time'],
    ['Sat 02:00-02:00', 'at the same time'],
    ['Foo 02:00-04:00', '"Foo" is no day'],
    ['Sa 02:00-04:00', '"Sa" is no day'],
    ['Mon-Wed-Fri 02:00-04:00', 'is no day'],
    ['Sat 02:00-04:00 Europe/Berln', '"Europe/Berln" is no time zone'],
  ])('%j is refused: %s', (text, message) => {
    expect(() => parseWindows(text, 'UTC')).toThrow(message);
  });

  it('is open exactly when the clocks of its zone say so', () => {
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu');
    fc.assert(
      fc.property(zone, fc.integer({ min: at('2026-01-01T00:00:00Z') / 60_000, max: at('2027-12-31T00:00:00Z') / 60_000 }), fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 1, max: 1440 }), (name, minute, day, start, end) => {
        fc.pre(start !== end);
        const now = minute * 60_000;
        const shown = zonedTime(now, name);
        const weekday = new Date(Date.UTC(shown.year, shown.month - 1, shown.day)).getUTCDay();
        const isDay = (which: number): boolean => which === day;
        const expected = end > start ? isDay(weekday) && shown.minute >= start && shown.minute < end : (isDay(weekday) && shown.minute >= start) || (isDay((weekday + 6) % 7) && shown.minute < end);
        const windows = [{ days: new Set([day]), start, end, zone: name }];
        const open = closesAt(windows, now) !== undefined;
        // When clocks go back an hour comes twice: a window that ends in it ends the first time, one that begins in it goes on.
        const twice = [-2, -1, 1, 2].some((hours) => zonedTime(now + hours * 1_800_000, name).minute === shown.minute);
        fc.pre(!twice);
        const before = zonedTime(now - 3_600_000, name);
        const changed = (shown.minute - before.minute + 1440) % 1440 !== 60;
        fc.pre(!changed);
        expect(open).toBe(expected);
        if (open) expect(closesAt(windows, now)).toBeGreaterThan(now);
      }),
      { numRuns: 500 },
    );
  });

  it('a moment is the one that its clocks show, but for hours left out', () => {
    fc.assert(
      fc.property(fc.constantFrom('Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia'), fc.integer({ min: at('2026-01-01T00:00:00Z') / 60_000, max: at('2027-12-31T00:00:00Z') / 60_000 }), (zone, minute) => {
        const instant = minute * 60_000;
        const shown = zonedTime(instant, zone);
        const found = zonedInstant(shown, zone);
        expect(zonedTime(found, zone)).toEqual(shown);
        expect(found).toBeLessThanOrEqual(instant);
      }),
    );
  });
});
