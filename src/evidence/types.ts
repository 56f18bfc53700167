import type { PulseReport } from '../pulse/types.ts';
import type { VerificationReport } from '../verify/types.ts';

export const EVIDENCE_FORMAT = 'lvs-play evidence';
export const EVIDENCE_VERSION = 1;

/** What was found, with all that is needed to know later what it was found about, by whom and when. A versioned document; times are ISO 8601. */
export interface Evidence {
  readonly format: typeof EVIDENCE_FORMAT;
  readonly version: typeof EVIDENCE_VERSION;
  /** Version of lvs-play. */
  readonly tool: string;
  /** `alice@ops1`. */
  readonly operator: string;
  /** What was typed, without the values of variables. */
  readonly command: string;
  readonly inventory: {
    /** As given to -i. */
    readonly files: readonly string[];
    /** `sha256:...` of the checked topology; see `topologyDigest`. */
    readonly topology: string;
  };
  readonly begun: string;
  readonly ended: string;
  readonly vantages: readonly string[];
  readonly report: VerificationReport;
  /** What clients saw while a command ran; empty: none did. */
  readonly pulses: readonly PulseReport[];
}
