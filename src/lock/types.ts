/** Who holds a host, as the lock on it says. */
export interface LockOwner {
  readonly version: 1;
  /** The run, or for one taken by hand an id of its own. */
  readonly id: string;
  /** `bob@ops1`: who, on which controller. */
  readonly owner: string;
  /** What the lock is for: the command line, or `by hand`. */
  readonly command: string;
  readonly reason: string | undefined;
  /** ISO time of the controller. */
  readonly since: string;
  /**
   * Seconds without a sign of life after which it is nobody's. Undefined: it was taken by hand and gives no signs of life.
   */
  readonly expiry: number | undefined;
  /** Of one taken by hand: for how many seconds from when it was taken. Undefined: until it is released. */
  readonly lasts: number | undefined;
}

/** A lock as it was found. */
export interface HeldLock {
  readonly owner: LockOwner;
  /** Seconds since its last sign of life (since it was taken, for one taken by hand), by the host's clock. */
  readonly age: number;
}

/** What came of an attempt to take a host's lock. */
export type LockReply =
  | {
      readonly kind: 'taken';
      /** Whose it was: he gave no sign of life for too long, or his time was over. */
      readonly from: HeldLock | undefined;
      /** The run that ended last on the host, and how many seconds ago; undefined: there is no record of one. */
      readonly last: { readonly run: string; readonly age: number } | undefined;
    }
  | { readonly kind: 'held'; readonly lock: HeldLock }
  /** The user may not write there. */
  | { readonly kind: 'unprivileged' };

/** How often a run gives a sign of life, and after how long without one its locks are nobody's; seconds. */
export const BEAT_SECONDS = 5;
export const EXPIRY_SECONDS = 30;
