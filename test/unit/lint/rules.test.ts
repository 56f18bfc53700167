import { describe, expect, it } from 'vitest';
import { isJsonObject, type Json } from '../../../src/core/json.ts';
import type { DataPath } from '../../../src/core/located.ts';
import { RULES } from '../../../src/lint/rules.ts';
import { lintTopology } from '../../../src/lint/run.ts';
import { parseYaml } from '../../../src/yaml/load.ts';
import { HOSTS, topologyOf } from '../lvs/support.ts';

const hosts = new Map([...HOSTS, ['rs3', { host: 'rs3', address: '192.168.0.29' }]]);

function firing(text: string): readonly string[] {
  return lintTopology({ topology: topologyOf(text, hosts), lvs: parseYaml(text, 'lvs.yml') }).map(({ rule }) => rule);
}

/** Whether the path leads to something that is written; the last step may be missing (a default). */
function leadsSomewhere(value: Json, path: DataPath): boolean {
  return path.slice(0, -1).reduce<Json | undefined>((at, step) => (isJsonObject(at ?? null) ? (at as Record<string, Json>)[step] : Array.isArray(at) ? (at as readonly Json[])[Number(step)] : undefined), value) !== undefined;
}

describe.each(RULES.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  it('fires on its bad example, at a place of it, and not on its good one', () => {
    expect(firing(rule.bad)).toContain(id);
    expect(firing(rule.good)).not.toContain(id);
    const hits = rule.check({ topology: topologyOf(rule.bad, hosts) });
    for (const { path, message, hint } of hits) {
      expect(leadsSomewhere(parseYaml(rule.bad, 'lvs.yml').value, path), path.join('.')).toBe(true);
      expect(message.length * hint.length).toBeGreaterThan(0);
    }
  });
});

it('names are unique and well formed, and every rule says why and from where', () => {
  expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
  for (const { id, summary, why, source } of RULES) {
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    for (const text of [summary, why, source]) expect(text.length, id).toBeGreaterThan(10);
  }
});
