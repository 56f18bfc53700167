import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { INVENTORY_ERRORS } from '../../../src/lint/errors/inventory.ts';
import { MODEL_ERRORS } from '../../../src/lint/errors/model.ts';
import { withoutMarks } from '../../../src/lint/rules/examples.ts';
import { modelFindings } from '../../../src/lint/run.ts';
import { problemsOf } from '../lvs/support.ts';
import { hosts, markedPlaces, placeOfFinding } from './support.ts';

describe.each(MODEL_ERRORS.map((error) => [error.id, error] as const))('%s', (id, error) => {
  const findings = (text: string) => modelFindings(problemsOf(withoutMarks(text), hosts));

  it('is the one thing wrong with its bad example, at the marked place', () => {
    expect(findings(error.bad).map((finding) => `${finding.rule} at ${placeOfFinding(finding)}`)).toEqual(markedPlaces(error.bad).map((place) => `${id} at ${place}`));
    expect(markedPlaces(error.bad)).toHaveLength(1);
  });

  it('is not in its good example, nor anything else', () => {
    expect(markedPlaces(error.good)).toEqual([]);
    expect(findings(error.good).map(({ message }) => message)).toEqual([]);
  });
});

/** A line with `code:` names its codes in quotes, one or, after a condition, several. */
function codesIn(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => /\bcode: (?!string\b|problem\.code\b|\{)/.test(line));
  return lines.flatMap((line) => {
    const [, expression = ''] = /\bcode: ([^,]*)/.exec(line) ?? [];
    const named = [...expression.matchAll(/'([a-z0-9]+(?:-[a-z0-9]+)+)'/g)].map(([, code = '']) => code);
    expect(named.length, line).toBeGreaterThan(0);
    return named;
  });
}

it('every code that the model can raise has an entry, and every entry a code', () => {
  const folder = new URL('../../../src/lvs/model/', import.meta.url);
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const codes = sources.flatMap((name) => codesIn(readFileSync(new URL(name, folder), 'utf8')));
  expect([...new Set(codes)].sort()).toEqual(MODEL_ERRORS.map(({ id }) => id).sort());
});

it('those of the site too', () => {
  const known = [...MODEL_ERRORS, ...INVENTORY_ERRORS].map(({ id }) => id);
  expect(known).toEqual(expect.arrayContaining([...codesIn(readFileSync(new URL('../../../src/plan/site.ts', import.meta.url), 'utf8'))]));
});
