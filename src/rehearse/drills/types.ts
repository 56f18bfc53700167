/** The faults that are tried, in this order: the last one changes something. */
export const DRILLS = ['server-killed', 'service-stopped', 'director-crashed', 'link-cut', 'director-rebooted', 'controller-killed'] as const;
export type DrillName = (typeof DRILLS)[number];

/** What is done in each, in words. */
export const DRILL_WORDS: Readonly<Record<DrillName, string>> = {
  'server-killed': 'power of a real server off, and on again',
  'service-stopped': 'the service of a real server stopped, and started again',
  'director-crashed': 'power of the director that holds the virtual IP off, and on again',
  'link-cut': 'network cables of the director that holds the virtual IP out, and in again',
  'director-rebooted': 'orderly reboot of the director that holds the virtual IP',
  'controller-killed': 'lvs-play killed in the middle of a change, which is then gone on with',
};

/** Whom a drill hits, in one part of the cluster. */
export interface Hit {
  readonly drill: DrillName;
  /** Of the unit. */
  readonly services: readonly string[];
  readonly host: string;
  /** Services that the fault reaches; of `service-stopped`: those whose port the stopped unit listens on. */
  readonly reached: readonly string[];
  /** What was done to it, for people: `nginx.service on rs1`. */
  readonly what: string;
}

/** What a service's clients may lose in a drill. Seconds. */
export type Promised =
  /** Nothing at all. */
  | { readonly kind: 'nothing'; readonly words: string }
  /** Requests that are sent within so long after the fault: a health check has to notice it. */
  | { readonly kind: 'lost-within'; readonly seconds: number; readonly words: string }
  /** Nobody is answered for at most so long after the fault, and after the return. */
  | { readonly kind: 'gap-within'; readonly seconds: number; readonly onReturn: number; readonly words: string }
  /** No more than that all is well again by itself: nothing stands in for what is away. */
  | { readonly kind: 'until-back'; readonly words: string };

/** Milliseconds since the epoch. */
export interface Moments {
  /** The fault was begun, and was there: stopping a service takes its time. */
  readonly begun: number;
  readonly made: number;
  /** The cluster was seen to have noticed, or had its time for it. */
  readonly noticed: number;
  /** It was taken back: power on, cable in, service started. */
  readonly returned: number;
  /** All that is looked at was as it shall be. */
  readonly settled: number;
  readonly ended: number;
}

/** kept; broken; unpromised: nothing was promised but the return, and that was kept. */
export type Verdict = 'kept' | 'broken' | 'unpromised';

/** What one service's clients saw in one drill. */
export interface Measured {
  readonly service: string;
  readonly promise: Promised;
  readonly sent: number;
  readonly failed: number;
  /** What went wrong -> how often. */
  readonly faults: Readonly<Record<string, number>>;
  /** Milliseconds in which no request was answered, the longest of all. */
  readonly gap: number;
  /** Milliseconds after the fault at which the first and last request was sent that failed; null: none. */
  readonly lost: { readonly first: number; readonly last: number } | null;
  readonly verdict: Verdict;
  /** Why it is broken. */
  readonly reason: string | null;
}

export interface DrillResult {
  readonly drill: DrillName;
  /** Whom it hit: `rs1`, `nginx.service on rs1`. */
  readonly what: readonly string[];
  readonly seconds: number;
  readonly services: readonly Measured[];
  /** What was seen of the cluster itself: holders, verification, changes. */
  readonly findings: readonly Finding[];
  readonly verdict: Verdict;
}

export interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

/** A drill that was not tried, and why. */
export interface SkippedDrill {
  readonly drill: DrillName;
  readonly why: string;
}
