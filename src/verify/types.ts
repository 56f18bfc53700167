import type { DrainRecord } from '../lvs/drain/record.ts';
import type { FailoverRecords } from '../lvs/failover/record.ts';
import type { KeepalivedVersion } from '../lvs/keepalived/version.ts';
import type { MissingHost } from '../observe/observation.ts';

/** What verification found: one row for each thing measured. A versioned document; times are ISO 8601. */
export interface VerificationReport {
  /** 3: a check may be `unknown`, `ok` may be null, and `unknown` names hosts. 2: `from` is a list, `begun` and `ended` in place of `at`; checks have their own `at`, and `from` and `phase` where these tell them apart. */
  readonly version: 3;
  readonly begun: string;
  readonly ended: string;
  /** Vantages: `controller` or inventory hosts. */
  readonly from: readonly string[];
  /** No check failed. Null: none failed, but of some nobody knows, as hosts gave no answer. */
  readonly ok: boolean | null;
  /** Hosts that gave no answer. */
  readonly unknown: readonly string[];
  readonly checks: readonly MeasuredCheck[];
}

/** `host`: a rule about live hosts, which `subject` names. The last five: see pulse/judge.ts, and what the command line adds. */
export type CheckName =
  | 'holder' | 'arp' | 'table' | 'reuse' | 'sync' | 'drains' | 'failovers' | 'listener' | 'return-path' | 'host' | 'requests' | 'spread' | 'large'
  | 'converged' | 'reached' | 'during' | 'holders-during' | 'command';

export interface Check {
  readonly name: CheckName;
  /** The VIP, director or virtual service concerned. */
  readonly subject: string;
  /** skip: it could not be measured or cannot be judged; `reason` says why. unknown: hosts that it needs gave no answer: `missing`. */
  readonly verdict: 'pass' | 'fail' | 'skip' | 'unknown';
  /** What was seen, in words and numbers. */
  readonly measured: string;
  /** What should be seen. */
  readonly expected: string;
  /** Why it fails or was skipped, or what to know of a pass. */
  readonly reason?: string;
  /** Hosts without whose answer it is unknown; of one that fails all the same, hosts that it says nothing of. */
  readonly missing?: readonly MissingHost[];
  /** The vantage that it was measured from, where that makes a difference. */
  readonly from?: string;
}

export interface MeasuredCheck extends Check {
  /** When it was measured. */
  readonly at: string;
  /** Where something was done in between. */
  readonly phase?: 'before' | 'during' | 'after';
}

/** What a director says of itself, in one answer. */
export interface DirectorState {
  readonly host: string;
  /** Addresses without prefix -> interface. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Interface -> MAC, lower case. */
  readonly macs: ReadonlyMap<string, string>;
  /** Text of /proc/net/ip_vs; undefined: IPVS is not loaded. */
  readonly ipvs: string | undefined;
  /** Connections since the table was made: virtual service `TCP 192.168.0.38:80` -> real server `192.168.0.18:80` -> count. */
  readonly connections: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** `net.ipv4.vs.conn_reuse_mode` and `expire_nodest_conn`; undefined: the kernel has none. */
  readonly connReuseMode: number | undefined;
  readonly expireNodestConn: number | undefined;
  /** Connection synchronisation that its kernel does. */
  readonly sync: readonly ('master' | 'backup')[];
  /** Records of drained real servers, by host. */
  readonly drains: Readonly<Record<string, DrainRecord>>;
  /** Records of pairs that an operator has moved, by pair. */
  readonly failovers: FailoverRecords;
  /** Undefined: it has none, or not as a package. */
  readonly keepalived: KeepalivedVersion | undefined;
}

/** How a client talks to a virtual service. */
export type ClientRequest =
  | { readonly kind: 'http'; readonly scheme: 'http' | 'https'; readonly address: string; readonly port: number; readonly path: string }
  /** Only a connection is made: what to say there is not known. */
  | { readonly kind: 'connect'; readonly address: string; readonly port: number };

/** What a client saw of one request. */
export interface RequestSample {
  /** HTTP status, 0 when nothing that speaks HTTP answered. */
  readonly status: number;
  /** Of the body. */
  readonly bytes: number;
  /** A TCP connection came about. */
  readonly connected: boolean;
  /** Undefined: all of the reply came (its length is as declared, or the server closed in order); for `connect`: it connected. */
  readonly fault: RequestFault | undefined;
}

export interface RequestFault {
  /** `broken`: the reply ended too early or stalled half-way. */
  readonly kind: 'refused' | 'timeout' | 'broken' | 'other';
  /** One line. */
  readonly text: string;
}

/** What answers ARP, lower-case MACs; or why that cannot be seen. */
export type ArpSeen =
  | {
      readonly macs: readonly string[];
      /** false: only the first answer can be seen (the kernel's neighbour table). */
      readonly all: boolean;
    }
  | { readonly unseen: string };

/** Samples, or why no request could be sent. */
export type RequestsSeen = { readonly samples: readonly RequestSample[] } | { readonly unseen: string };

/** The place that verification looks from: the controller, or an inventory host outside the cluster. */
export interface Vantage {
  readonly name: string;
  /** Its own address towards each of these, by what its routes say; what it cannot tell is left out. */
  sources(addresses: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Which MACs answer for an IPv4 address. */
  arp(vip: string): Promise<ArpSeen>;
  /** Sends requests one after the other, each over a connection of its own, each bounded in time. */
  requests(request: ClientRequest, count: number, signal: AbortSignal): Promise<RequestsSeen>;
}
