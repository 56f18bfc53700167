/** What verification found: one row for each thing measured. A versioned document. */
export interface VerificationReport {
  readonly version: 1;
  readonly at: string;
  /** Where it was measured from: `controller` or an inventory host. */
  readonly from: string;
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

export type CheckName = 'holder' | 'arp' | 'table' | 'requests' | 'spread' | 'large';

export interface Check {
  readonly name: CheckName;
  /** The VIP, director or virtual service concerned. */
  readonly subject: string;
  /** skip: it could not be measured or cannot be judged; `reason` says why. */
  readonly verdict: 'pass' | 'fail' | 'skip';
  /** What was seen, in words and numbers. */
  readonly measured: string;
  /** Why it fails or was skipped. */
  readonly reason?: string;
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
}

/** What a client saw of a virtual service. */
export interface RequestSample {
  /** HTTP status, 0 when nothing that speaks HTTP answered. */
  readonly status: number;
  readonly bytes: number;
  /** A TCP connection came about. */
  readonly connected: boolean;
  /** curl's exit code; 0: a whole reply. */
  readonly exitCode: number;
}
