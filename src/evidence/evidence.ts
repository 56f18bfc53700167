import { LvsPlayError, messageOf } from '../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { isIntact, maskedJson, sealed } from './digest.ts';
import { type Evidence, EVIDENCE_FORMAT, EVIDENCE_VERSION } from './types.ts';

/** The text of a file of evidence, with its digest. Pure, as all here. @param mask puts something else in place of secrets; before the digest is made, so that it fits what is written */
export function evidenceText(evidence: Evidence, mask: (text: string) => string): string {
  const document = maskedJson(JSON.parse(JSON.stringify(evidence)) as Json, mask) as JsonObject;
  return `${JSON.stringify(sealed(document), null, 2)}\n`;
}

/** What a file of evidence turns out to be. */
export interface CheckedEvidence {
  readonly intact: boolean;
  /** One line about what it says, or about what is wrong. */
  readonly words: string;
}

/** @throws LvsPlayError kind `input` for what is no evidence, or of another version */
export function checkEvidence(text: string, file: string): CheckedEvidence {
  const document = parseEvidence(text, file);
  // Of a key that is there twice JSON takes the last, and a reader perhaps the first.
  if (keysIn(text) !== keysOf(document)) return { intact: false, words: `${file} was changed: a key stands there twice` };
  if (!isIntact(document)) return { intact: false, words: `${file} was changed: its digest does not fit what it says` };
  const { report, begun, ended, operator, vantages, digest } = document;
  const checks = isJsonObject(report) && Array.isArray(report['checks']) ? (report['checks'] as readonly Json[]) : [];
  const count = (verdict: string): number => checks.filter((check) => isJsonObject(check) && check['verdict'] === verdict).length;
  const [failed, unknown] = [count('fail'), count('unknown')];
  const what = `${String(checks.length)} checks, ${String(failed)} failed${unknown === 0 ? '' : `, ${String(unknown)} unknown`}; from ${wordsOf(vantages)}, ${wordsOf(begun)} to ${wordsOf(ended)}, by ${wordsOf(operator)}`;
  return { intact: true, words: `${file} is intact: ${what}; ${wordsOf(digest)}` };
}

function parseEvidence(text: string, file: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new LvsPlayError({ code: 'no-evidence', kind: 'input', message: `${file} is no evidence, or cut off: ${messageOf(cause)}`, cause });
  }
  if (!isJsonObject(value) || value['format'] !== EVIDENCE_FORMAT) throw new LvsPlayError({ code: 'no-evidence', kind: 'input', message: `${file} is no evidence`, hint: 'lvs-play verify --evidence FILE writes it' });
  if (value['version'] === EVIDENCE_VERSION) return value;
  throw new LvsPlayError({ code: 'evidence-version', kind: 'input', message: `${file} has version ${JSON.stringify(value['version'] ?? null)}, and this lvs-play knows version ${String(EVIDENCE_VERSION)}` });
}

/** Keys in a JSON text: texts with a colon behind them. */
function keysIn(text: string): number {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;
}

function keysOf(value: Json): number {
  if (Array.isArray(value)) return (value as readonly Json[]).reduce<number>((sum, part) => sum + keysOf(part), 0);
  return isJsonObject(value) ? Object.values(value).reduce<number>((sum, part) => sum + 1 + keysOf(part), 0) : 0;
}

/** It goes to a terminal. */
function wordsOf(value: Json | undefined): string {
  return (Array.isArray(value) ? value.map(String).join(', ') : typeof value === 'string' ? value : 'unknown').replace(/[\u0000-\u001F\u007F-\u009F]/g, '?');
}
