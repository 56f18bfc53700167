import type { Json } from './json.ts';
import type { Position } from './errors.ts';

export type DataPath = readonly (string | number)[];

/**
 * A value read from a file, with the way back to the place it was written.
 * `locate` answers for any path inside the value; a path that does not exist gives its nearest existing parent.
 * `of: 'key'` points at the mapping key, `'value'` (the default) at what it holds.
 * Undefined only when the value did not come from a file (e.g. `-e` on the command line).
 */
export interface Located<T = Json> {
  readonly value: T;
  locate(path: DataPath, of?: 'key' | 'value'): Position | undefined;
}
