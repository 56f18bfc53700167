import type { Topology } from '../lvs/model/topology.ts';
import type { Target } from '../transport/target.ts';
import type { MeasuredCheck, Vantage } from './types.ts';

/** What a verification starts from. */
export interface VerifyOptions {
  readonly topology: Topology;
  /** The open target of a director. */
  readonly target: (host: string) => Promise<Target>;
  /** Where clients are: `controllerVantage`, `hostVantage`. At least one; the first one tries what is missing in a table. */
  readonly vantages: readonly Vantage[];
  /** Sent to each virtual service by each vantage. */
  readonly requests: number;
  /** Asked for by HTTP; default `/`. */
  readonly path: string | undefined;
  /** Seconds in which VRRP and health checks may still come to rest; 0: what is seen at once counts. */
  readonly settle: number;
  readonly signal: AbortSignal;
  /** Real servers are asked too: who listens there, and which way answers take. Default: they are not. */
  readonly servers?: boolean;
  /** A director that gives no answer may be on its way back: it is waited for, as long as anything may settle. Default: it is not. */
  readonly patient?: boolean;
  /** Without the answer of every director nothing more is looked at: HostsMissing is thrown. Default: what can be judged is. */
  readonly needsAll?: boolean;
  /** Checks that somebody else has made. */
  readonly more?: readonly MeasuredCheck[];
}
