/** A thing that a run may change and that can be brought back: what a fact is asked about, in the words of undo. */
export interface UndoKey {
  readonly kind: KindName;
  /** A path, a kernel parameter, an interface, a unit, ...; `*` where the kind is saved as a whole. */
  readonly key: string;
}

export type KindName = 'file' | 'tree' | 'parent' | 'package' | 'unit' | 'module' | 'sysctl' | 'address' | 'route' | 'firewall' | 'tunnel' | 'ipvs';

/** A key with its number: what saved values are filed under, so that no name of a host's things is ever a part of the script's syntax. */
export interface Numbered {
  readonly id: number;
  readonly key: string;
}

/** What is done when the saved state comes back, in this order. */
export const PHASES = ['stop', 'packages', 'files', 'enable', 'load', 'sysctls', 'network', 'ipvs', 'start', 'unload'] as const;
export type Phase = (typeof PHASES)[number];

/**
 * How one kind of thing is saved and brought back on a host alone. Everything is POSIX sh (dash, busybox) made from keys; what was saved is data that is
 * compared and passed as words, never evaluated. The fragments may use the functions of script/library.ts.
 */
export interface UndoKind {
  readonly name: KindName;
  /**
   * Body of a function that prints `ID VALUE` for each key: its state, on one line. A key that it prints nothing for counts as unknown and is left alone. `$was_ID`
   * is the value that was saved, if one was.
   */
  state(keys: readonly Numbered[]): string;
  /** Keeps below `$before` what the state does not hold. Only what is `fresh ID`: not saved yet. Fails with `fail REASON`. */
  save?(keys: readonly Numbered[]): string;
  /**
   * Brings back what `differs ID`; `$was_ID` and `$now_ID` are loaded. Bears to be run again. What cannot be done is told by `problem TEXT`, unless the
   * comparison at the end shows it anyway.
   */
  readonly restore: Partial<Record<Phase, (keys: readonly Numbered[]) => string>>;
  /** The last word on whether a key is as it was, where that is more than an equal value; `$was_ID` and `$now_ID` are loaded. */
  readonly check?: (key: Numbered) => string;
}
