import { isJsonObject, type Json } from '../core/json.ts';
import type { DataPath, Located } from '../core/located.ts';
import { suggest } from '../core/suggest.ts';
import type { Finding } from './types.ts';

/** A finding that is let pass: `lvs.lint.waive: [{ rule: ID, at: virtual_services.web, reason: "..." }]`. */
export interface Waiver {
  readonly rule: string;
  /** Beginning of a path within `lvs`; undefined: everywhere. */
  readonly at: string | undefined;
  readonly reason: string;
  readonly path: DataPath;
}

/** The waivers, and what is wrong with them: each names a rule and a reason. */
export function readWaivers(lvs: Located, known: ReadonlySet<string>): { readonly waivers: readonly Waiver[]; readonly problems: readonly Finding[] } {
  const written = isJsonObject(lvs.value) ? lvs.value['lint'] : undefined;
  const waivers: Waiver[] = [];
  const problems: Finding[] = [];
  const wrong = (path: DataPath, message: string, hint: string): void => {
    problems.push({ rule: 'waiver', severity: 'error', message, position: lvs.locate(path), hint, waived: undefined });
  };
  if (written === undefined || written === null) return { waivers, problems };
  const list = isJsonObject(written) ? written['waive'] : undefined;
  if (!isJsonObject(written) || Object.keys(written).some((key) => key !== 'waive') || !Array.isArray(list)) {
    wrong(['lint'], 'lvs.lint takes a list of waivers', 'write waive: [{ rule: ID, reason: "why" }]');
    return { waivers, problems };
  }
  for (const [index, entry] of (list as readonly Json[]).entries()) {
    const path = ['lint', 'waive', index];
    const { rule, at, reason } = textsOf(entry);
    if (rule === undefined || !known.has(rule)) {
      const near = rule === undefined ? undefined : suggest(rule, known);
      wrong(path, rule === undefined ? 'the waiver names no rule' : `no rule is called ${rule}`, near === undefined ? 'lvs-play lint --list shows the rules; errors of the model cannot be waived' : `did you mean ${near}?`);
    } else if (reason === undefined || reason.trim() === '') {
      wrong(path, `the waiver of ${rule} has no reason`, 'add reason: why this is right here');
    } else {
      waivers.push({ rule, at, reason, path });
    }
  }
  return { waivers, problems };
}

function textsOf(entry: Json): { rule: string | undefined; at: string | undefined; reason: string | undefined } {
  const text = (key: string): string | undefined => {
    const value = isJsonObject(entry) ? entry[key] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  return { rule: text('rule'), at: text('at'), reason: text('reason') };
}

/** Whether a waiver speaks of a place. */
export function covers({ at }: Waiver, path: DataPath): boolean {
  const place = path.join('.');
  return at === undefined || place === at || place.startsWith(`${at}.`);
}
