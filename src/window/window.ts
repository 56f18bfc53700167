import { LvsPlayError } from '../core/errors.ts';
import { zonedInstant, zonedTime } from './zone.ts';

/** A time of the week in which changes may be made. */
export interface Window {
  /** 0 Sunday to 6 Saturday: days on which it opens. */
  readonly days: ReadonlySet<number>;
  /** Minutes after midnight. An end that is not after the start is on the next day. */
  readonly start: number;
  readonly end: number;
  /** IANA name. */
  readonly zone: string;
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const DAY_MINUTES = 24 * 60;

/**
 * `Sat 02:00-04:00 Europe/Berlin`; days as `Mon-Fri`, `Sat,Sun`, or none for every day; several windows with `;` between.
 * @param localZone where none is written
 * @throws LvsPlayError kind `usage`
 */
export function parseWindows(text: string, localZone: string): readonly Window[] {
  return text.split(';').map((one) => parseWindow(one.trim(), localZone));
}

function parseWindow(text: string, localZone: string): Window {
  const match = /^(?:([A-Za-z][A-Za-z,-]*)\s+)?(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)(?:\s+(\S+))?$/.exec(text);
  if (match === null) throw wrong(`"${text}" is no window`);
  const [, days, fromHour, fromMinute, toHour, toMinute, zone = localZone] = match;
  const [start, end] = [minutes(fromHour, fromMinute), minutes(toHour, toMinute)];
  if (start === undefined || end === undefined || start === DAY_MINUTES) throw wrong(`"${text}": there is no such time of the day`);
  if (start === end) throw wrong(`"${text}" opens and closes at the same time`);
  if (!isZone(zone)) throw wrong(`"${zone}" is no time zone`);
  return { days: parseDays(days, text), start, end, zone };
}

function minutes(hour: string | undefined, minute: string | undefined): number | undefined {
  const [h, m] = [Number(hour), Number(minute)];
  return m < 60 && (h < 24 || (h === 24 && m === 0)) ? h * 60 + m : undefined;
}

function parseDays(text: string | undefined, window: string): ReadonlySet<number> {
  if (text === undefined || /^(daily|every)$/i.test(text)) return new Set(DAYS.keys());
  return new Set(
    text.split(',').flatMap((part) => {
      const [from = '', to = from, ...more] = part.split('-');
      const [first, last] = [dayOf(from), dayOf(to)];
      if (first === undefined || last === undefined || more.length > 0) throw wrong(`"${window}": "${part}" is no day of the week`);
      // Sat-Mon goes over the end of the week.
      return Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, index) => (first + index) % 7);
    }),
  );
}

/** By its first three letters or more. */
function dayOf(name: string): number | undefined {
  const index = DAYS.findIndex((day) => name.length >= 3 && ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'][DAYS.indexOf(day)]?.startsWith(name.toLowerCase()) === true);
  return index < 0 ? undefined : index;
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** When the window that is open at a moment closes; undefined: none is open. Milliseconds since the epoch. Pure. */
export function closesAt(windows: readonly Window[], now: number): number | undefined {
  const ends = windows.flatMap((window) => spansAround(window, now).filter(({ from, to }) => from <= now && now < to).map(({ to }) => to));
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** When the next one opens, and for how long. Pure. */
export function nextOpening(windows: readonly Window[], now: number): { readonly from: number; readonly to: number; readonly zone: string } | undefined {
  const coming = windows.flatMap((window) => spansAround(window, now).filter(({ from }) => from > now).map((span) => ({ ...span, zone: window.zone })));
  return coming.sort((a, b) => a.from - b.from)[0];
}

/** Its openings from yesterday to a week ahead. */
function spansAround(window: Window, now: number): { readonly from: number; readonly to: number }[] {
  const today = zonedTime(now, window.zone);
  return Array.from({ length: 10 }, (_, index) => index - 1).flatMap((offset) => {
    const day = new Date(Date.UTC(today.year, today.month - 1, today.day + offset));
    if (!window.days.has(day.getUTCDay())) return [];
    const at = (minute: number, later: number): number =>
      zonedInstant({ year: day.getUTCFullYear(), month: day.getUTCMonth() + 1, day: day.getUTCDate() + later, minute }, window.zone);
    return [{ from: at(window.start, 0), to: at(window.end, window.end > window.start ? 0 : 1) }];
  });
}

function wrong(message: string): LvsPlayError {
  return new LvsPlayError({ code: 'bad-window', kind: 'usage', message: `--window: ${message}`, hint: 'write "Sat 02:00-04:00 Europe/Berlin", "Mon-Fri 22:00-05:00" or "02:00-04:00 UTC; Sun 00:00-24:00 UTC"' });
}
