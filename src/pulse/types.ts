import type { ClientRequest } from '../verify/types.ts';

/** What clients saw while something went on. A versioned document; times are ISO 8601, spans milliseconds. */
export interface PulseReport {
  readonly version: 1;
  /** The virtual service. */
  readonly service: string;
  /** Where the clients are: `controller`. */
  readonly from: string;
  readonly begun: string;
  readonly ended: string;
  /** Between two requests. */
  readonly every: number;
  readonly sent: number;
  readonly answered: number;
  /** What went wrong -> how often. */
  readonly faults: Readonly<Record<string, number>>;
  /** The longest time in which requests failed again and again; 0: none failed, or only single ones. */
  readonly troubled: number;
  /** The longest time in which no request was answered; the first answer and the end count as ends of one. */
  readonly gap: number;
  /** When it began; null: nothing was sent. */
  readonly gapAt: string | null;
  /** Connections that were open all the while; null: none were asked for, or the protocol has no way to tell. */
  readonly held: HeldReport | null;
}

export interface HeldReport {
  /** Answered once at the beginning. */
  readonly opened: number;
  /** Of these, answered again at the end over the same connection. */
  readonly alive: number;
  /** What became of the others -> how often. */
  readonly faults: Readonly<Record<string, number>>;
}

/** One request of a pulse. Milliseconds since the epoch. */
export interface Beat {
  readonly service: string;
  /** When it was sent. */
  readonly at: number;
  readonly ended: number;
  /** What went wrong; null: it was answered. */
  readonly fault: string | null;
}

export interface PulsePlan {
  readonly service: string;
  readonly request: ClientRequest;
  /** Milliseconds between two requests. */
  readonly every: number;
  /** Connections that are held open beside, with HTTP. */
  readonly held: number;
  /** Told of every request when it has ended. */
  readonly tell?: (beat: Beat) => void;
}
