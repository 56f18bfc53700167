import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../../../src/lint/catalogue.ts';
import { LIVE_RULES } from '../../../../src/lint/live/rules.ts';
import { CLUSTERS, foundIn, told, withExample } from './support.ts';

describe.each(Object.entries(CLUSTERS))('a sound %s cluster', (_name, cluster) => {
  it('has no finding', () => {
    expect(told(foundIn(cluster))).toEqual([]);
  });
});

describe.each(LIVE_RULES.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  const firing = (example: string) => foundIn(withExample(CLUSTERS[rule.cluster], example)).filter((found) => found.rule === id);

  it('fires on its bad example, with a place', () => {
    const found = firing(rule.bad);
    expect(found.length).toBeGreaterThan(0);
    for (const one of found) {
      expect(one).toMatchObject({ severity: rule.severity, position: { file: 'lvs.yml' } });
      expect(one.message).not.toMatch(/\n|undefined|NaN|\.$/);
      expect(one.hint).toMatch(/\w/);
    }
  });

  it('does not fire on its good example', () => {
    expect(firing(rule.good)).toEqual([]);
  });
});

it('no two rules of any kind share a name', () => {
  const ids = CATALOGUE.flatMap(({ rules }) => rules.map(({ id }) => id));
  expect(new Set(ids).size).toBe(ids.length);
});
