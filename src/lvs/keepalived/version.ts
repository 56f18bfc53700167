/** keepalived's own version, without epoch and packaging. */
export interface KeepalivedVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/**
 * Reads a package's version (`1:2.2.7-1+b2`, `2.2.7-r4`) or what `keepalived -v` prints (`v2.2.7`); undefined when it is none.
 * A missing patch level counts as 0.
 */
export function keepalivedVersion(packageVersion: string): KeepalivedVersion | undefined {
  const match = /^(?:\d+:)?v?(\d+)\.(\d+)(?:\.(\d+))?(?![.\d])/.exec(packageVersion.trim());
  if (match === null) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3] ?? 0) };
}

/** @param minimum `2.2.0`; what it lacks counts as 0 */
export function atLeast(version: KeepalivedVersion, minimum: string): boolean {
  const [major = 0, minor = 0, patch = 0] = minimum.split('.').map(Number);
  if (version.major !== major) return version.major > major;
  if (version.minor !== minor) return version.minor > minor;
  return version.patch >= patch;
}
