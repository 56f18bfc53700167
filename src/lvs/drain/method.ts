import { brokenIn, FEATURES } from '../keepalived/features.ts';
import { atLeast, type KeepalivedVersion } from '../keepalived/version.ts';
import type { DrainSettings } from '../model/topology.ts';

/**
 * How a director's keepalived gives a real server no new clients. `reload`: weight 0 in its file, which it reads again. `flag`: a file that it watches says so
 * (FILE_CHECK with inhibit_on_failure), and nothing is read again: what its maintainers suggest, and all that is left where a version has weight 0 broken.
 */
export type DrainMethod = 'reload' | 'flag';

/** @returns undefined: none that is safe with this version. Pure. */
export function drainMethod({ method }: DrainSettings, version: KeepalivedVersion): DrainMethod | undefined {
  const flag = atLeast(version, FEATURES.drainFlag.since) ? 'flag' : undefined;
  if (method === 'flag') return flag;
  if (brokenIn('weightZero', version) === undefined) return 'reload';
  return method === 'auto' ? flag : undefined;
}

/** The same where any answer is wanted: without a version, or a safe method, the usual one. Pure. */
export function drainMethodOf(settings: DrainSettings, version: KeepalivedVersion | undefined): DrainMethod {
  return (version === undefined ? undefined : drainMethod(settings, version)) ?? 'reload';
}

/** Why there is none, and the cure. Pure. */
export function noMethodWords({ method }: DrainSettings, version: KeepalivedVersion): { readonly why: string; readonly cure: string } {
  const text = `${String(version.major)}.${String(version.minor)}.${String(version.patch)}`;
  if (method === 'flag') return { why: `keepalived ${text} watches no flag file`, cure: `upgrade it to ${FEATURES.drainFlag.since} or later, or set lvs.drain.method: auto` };
  const mended = brokenIn('weightZero', version) ?? FEATURES.drainFlag.since;
  const flag = method === 'reload' && atLeast(version, FEATURES.drainFlag.since);
  return { why: `keepalived ${text} has weight 0 broken`, cure: `upgrade it to ${mended} or later${flag ? ', or set lvs.drain.method: auto, which drains by a flag file there' : ''}` };
}
