import type { DirectorNow } from '../apply/pair/director.ts';
import type { DrainHands } from '../drain/hands.ts';
import type { VipTimeline } from '../lvs/change/timeline.ts';
import type { FailoverRecords } from '../lvs/failover/record.ts';
import type { PulseReport } from '../pulse/types.ts';

/** What a failover does things with; the command line gives it. */
export interface FailoverHands extends DrainHands {
  /** Asks the members of these pairs, each in one request. */
  lookAtPairs(pairs: readonly string[]): Promise<PairsLook>;
  /** Established connections of these pairs' virtual IPs in the kernels of two directors; see lvs/failover/sync.ts. @throws LvsPlayError when one cannot be asked */
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

/** Members of pairs; undefined: it cannot be reached. */
export type PairsLook = ReadonlyMap<string, MemberLook | undefined>;

export interface Measuring {
  /** This director went down at that moment, so that it cannot tell any more what it held until then. Milliseconds since the epoch, give or take `uncertainty`. */
  died(host: string, at: number, uncertainty: number): void;
  /** Ends all of it, and waits for what is under way. */
  end(): Promise<Measured>;
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
