import type { Position } from '../core/errors.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import type { DataPath, Located } from '../core/located.ts';
import { suggest } from '../core/text/suggest.ts';
import type { Finding } from './types.ts';

/** A finding that is let pass: `lvs.lint.waive: [{ rule: ID, at: virtual_services.web, reason: "..." }]`, or `file: patch.yml` of a playbook. */
export interface Waiver {
  readonly rule: string;
  /** Beginning of a path within `lvs`; undefined: everywhere. */
  readonly at: string | undefined;
  /** End of the path of the file where the finding is; undefined: in every file. */
  readonly file: string | undefined;
  readonly reason: string;
  readonly path: DataPath;
}

/** The waivers, and what is wrong with them: each names a rule and a reason. */
export function readWaivers(lvs: Located, known: ReadonlySet<string>): { readonly waivers: readonly Waiver[]; readonly problems: readonly Finding[] } {
  const written = isJsonObject(lvs.value) ? lvs.value['lint'] : undefined;
  const waivers: Waiver[] = [];
  const problems: Finding[] = [];
  const wrong = (path: DataPath, message: string, hint: string, of: 'key' | 'value' = 'value'): void => {
    problems.push({ rule: 'waiver', severity: 'error', message, position: lvs.locate(path, of), hint, waived: undefined });
  };
  if (written === undefined || written === null) return { waivers, problems };
  const list = isJsonObject(written) ? written['waive'] : undefined;
  if (!isJsonObject(written) || Object.keys(written).some((key) => key !== 'waive') || !Array.isArray(list)) {
    wrong(['lint'], 'lvs.lint takes a list of waivers', 'write waive: [{ rule: ID, reason: "why" }]');
    return { waivers, problems };
  }
  for (const [index, entry] of (list as readonly Json[]).entries()) {
    const path = ['lint', 'waive', index];
    // A key that nobody reads would make a waiver of one place one of them all.
    const stranger = isJsonObject(entry) ? Object.keys(entry).find((key) => !KEYS.has(key)) : undefined;
    const odd = isJsonObject(entry) ? [...KEYS].find((key) => entry[key] !== undefined && typeof entry[key] !== 'string') : undefined;
    const { rule, at, file, reason } = textsOf(entry);
    if (stranger !== undefined) {
      const near = suggest(stranger, KEYS);
      wrong([...path, stranger], `a waiver takes no "${stranger}"`, near === undefined ? 'write { rule: ID, at: PLACE, reason: "why" }, or file: PLAYBOOK instead of at; without both it is for everywhere' : `did you mean ${near}?`, 'key');
    } else if (odd !== undefined) {
      wrong([...path, odd], `"${odd}" of a waiver is a text`, odd === 'at' ? 'write the path below lvs with dots: at: virtual_services.web' : 'put it into quotes');
    } else if (rule === undefined || !known.has(rule)) {
      const near = rule === undefined ? undefined : suggest(rule, known);
      wrong(path, rule === undefined ? 'the waiver names no rule' : `no rule is called ${rule}`, near === undefined ? 'lvs-play lint --list shows the rules; errors of the model cannot be waived' : `did you mean ${near}?`);
    } else if (reason === undefined || reason.trim() === '') {
      wrong(path, `the waiver of ${rule} has no reason`, 'add reason: why this is right here');
    } else {
      waivers.push({ rule, at, file, reason, path });
    }
  }
  return { waivers, problems };
}

const KEYS: ReadonlySet<string> = new Set(['rule', 'at', 'file', 'reason']);

function textsOf(entry: Json): { rule: string | undefined; at: string | undefined; file: string | undefined; reason: string | undefined } {
  const text = (key: string): string | undefined => {
    const value = isJsonObject(entry) ? entry[key] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  return { rule: text('rule'), at: text('at'), file: text('file'), reason: text('reason') };
}

/** Whether a waiver speaks of a place in the variable `lvs`, and of a file. */
export function covers({ at, file }: Waiver, path: DataPath | undefined, position: Position | undefined): boolean {
  const place = path?.join('.');
  const here = at === undefined || (place !== undefined && (place === at || place.startsWith(`${at}.`)));
  return here && (file === undefined || position?.file === file || position?.file.endsWith(`/${file}`) === true);
}
