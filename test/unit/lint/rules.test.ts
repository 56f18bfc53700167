import { describe, expect, it } from 'vitest';
import { withoutMarks } from '../../../src/lint/rules/examples.ts';
import { RULES } from '../../../src/lint/rules.ts';
import { findingsIn, markedPlaces, placeOfFinding } from './support.ts';

describe.each(RULES.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  const firing = (text: string) => findingsIn(withoutMarks(text)).filter((finding) => finding.rule === id);

  it('fires on its bad example, at the marked places and nowhere else', () => {
    expect(markedPlaces(rule.bad).length).toBeGreaterThan(0);
    expect(firing(rule.bad).map(placeOfFinding)).toEqual(markedPlaces(rule.bad));
    for (const { severity, message, hint } of firing(rule.bad)) {
      expect(severity).toBe(rule.severity);
      expect(message).not.toMatch(/\n|undefined|\.$/);
      expect(hint).toMatch(/\w/);
    }
  });

  it('does not fire on its good example', () => {
    expect(markedPlaces(rule.good)).toEqual([]);
    expect(firing(rule.good)).toEqual([]);
  });
});

it('inhibit-with-hash knows that drains by flags inhibit every server of keepalived', () => {
  const rule = RULES.find(({ id }) => id === 'inhibit-with-hash');
  const hashed = withoutMarks(rule?.bad ?? '').replace('    inhibit_on_failure: true\n', '');
  const firing = (text: string) => findingsIn(text).filter((finding) => finding.rule === 'inhibit-with-hash');
  expect(firing(hashed)).toEqual([]);
  expect(firing(`drain: { method: flag }\n${hashed}`)).toMatchObject([{ hint: expect.stringContaining('lvs.drain.method: flag') as string }]);
  expect(firing(`drain: { method: flag }\n${withoutMarks(rule?.good ?? '')}`)).toEqual([]);
});

it('names are unique and well formed, and every rule says why and from where', () => {
  expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
  for (const { id, summary, why, source } of RULES) {
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    for (const text of [summary, why, source]) expect(text.length, id).toBeGreaterThan(10);
  }
});
