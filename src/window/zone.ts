/** A moment as clocks in a zone show it. */
export interface ZonedTime {
  readonly year: number;
  /** 1-12; a day past the month's end is of the next one. */
  readonly month: number;
  readonly day: number;
  /** After midnight. */
  readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What clocks in a zone show at a moment. */
export function zonedTime(instant: number, zone: string): ZonedTime {
  const shown = shownAt(instant, zone);
  return { year: shown.getUTCFullYear(), month: shown.getUTCMonth() + 1, day: shown.getUTCDate(), minute: shown.getUTCHours() * 60 + shown.getUTCMinutes() };
}

/**
 * The first moment at which clocks in a zone show at least this. A time that is left out when clocks go forward is the moment at which they do; one that comes twice is
 * the first of both.
 */
export function zonedInstant({ year, month, day, minute }: ZonedTime, zone: string): number {
  const wanted = Date.UTC(year, month - 1, day, 0, minute);
  // The offset is one of those around that day.
  const candidates = [-1, 0, 1].map((days) => wanted - offsetAt(wanted + days * 86_400_000, zone));
  const exact = candidates.filter((instant) => shownAt(instant, zone).getTime() === wanted);
  if (exact.length > 0) return Math.min(...exact);
  // In the hour that is left out: when clocks jump, which is between the two readings.
  let [low, high] = [Math.min(...candidates), Math.max(...candidates)];
  while (high - low > 60_000) {
    const middle = Math.floor((low + high) / 120_000) * 60_000;
    if (shownAt(middle, zone).getTime() >= wanted) high = middle;
    else low = middle;
  }
  return high;
}

/** Milliseconds that clocks in a zone are ahead of UTC. */
function offsetAt(instant: number, zone: string): number {
  return shownAt(instant, zone).getTime() - Math.floor(instant / 1000) * 1000;
}

/** What clocks show, as if it were UTC. Whole seconds. */
function shownAt(instant: number, zone: string): Date {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
    formats.set(zone, format);
  }
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  return new Date(Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')));
}
