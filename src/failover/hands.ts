import type { DirectorNow } from '../apply/pair/director.ts';
import type { DrainHands } from '../drain/hands.ts';
import type { VipTimeline } from '../lvs/change/timeline.ts';
import type { FailoverRecords } from '../lvs/failover/record.ts';
import type { Observation } from '../observe/observation.ts';
import type { PulseReport } from '../pulse/types.ts';

/** What a failover does things with; the command line gives it. */
export interface FailoverHands extends DrainHands {
  /** Asks the members of these pairs, each in one request. @param without those that are not asked */
  lookAtPairs(pairs: readonly string[], without?: readonly string[]): Promise<PairsLook>;
  /** Established connections of these pairs' virtual IPs in the kernels of two directors; see lvs/failover/sync.ts. @throws HostsMissing when one gives no answer */
  connections(pairs: readonly string[], hosts: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<string>>>;
  /** Begins to watch who holds what, to play clients, and to listen for gratuitous ARP. */
  measure(pairs: readonly string[]): Promise<Measuring>;
  insisting(): FailoverHands;
}

/** A member of a pair as it says of itself. */
export interface MemberLook extends DirectorNow {
  readonly failovers: FailoverRecords;
  /** Connection synchronisation that its kernel does. */
  readonly sync: readonly ('master' | 'backup')[];
  /** Its network cards' hardware addresses. */
  readonly macs: readonly string[];
}

/** Members of pairs. */
export type PairsLook = Observation<MemberLook>;

export interface Measuring {
  /** Nobody reaches this director from that moment on: what it held until then counts, and what it holds now does not. Milliseconds since the epoch, give or take `uncertainty`. */
  died(host: string, at: number, uncertainty: number): void;
  /** Ends all of it, and waits for what is under way. */
  end(): Promise<Measured>;
  /** Clears away what is left of it on a director that could not be reached, now that it can again. */
  afterwards(): Promise<void>;
}

/** What was seen while something went on. */
export interface Measured {
  readonly timelines: readonly VipTimeline[];
  readonly clients: readonly PulseReport[];
  /** Services whose clients could not be played, and why. */
  readonly untried: readonly { readonly service: string; readonly why: string }[];
  readonly arps: readonly ArpCount[];
}

/** Gratuitous ARP for one virtual IP, as this machine heard it. */
export type ArpCount = { readonly vip: string } & ({ readonly unseen: string } | { readonly from: Readonly<Record<string, number>> });
