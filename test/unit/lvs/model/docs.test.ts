import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { checkSchema } from '../../../../src/lvs/model/schema/check.ts';
import { bfdSchema, pairSchema, syncGroupSchema, trackFileSchema, trackProcessSchema, trackScriptSchema } from '../../../../src/lvs/model/schema/pair.ts';
import { ipvsSchema, natNetworkSchema, serviceSchema } from '../../../../src/lvs/model/schema/service.ts';
import { parseYaml } from '../../../../src/yaml/load.ts';
import { buildTopology } from '../../../../src/lvs/model/build.ts';
import { isJsonObject, type Json } from '../../../../src/core/json.ts';
import { HOSTS, problemsOf } from '../support.ts';

const TEXT = readFileSync(new URL('../../../../docs/inventory.md', import.meta.url), 'utf8');

/** Names of keys in a schema, those of its parts included. */
function keysOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => [...(key === 'properties' ? Object.keys(value as object) : []), ...keysOf(value)]);
}

it('documents every key', () => {
  const sections = /known here: (.*)$/.exec(problemsOf('nonsense: 1')[0]?.hint ?? '')?.[1]?.split(', ') ?? [];
  expect(sections).toContain('virtual_services');
  const keys = new Set([...sections, ...[checkSchema, bfdSchema, pairSchema, syncGroupSchema, trackFileSchema, trackProcessSchema, trackScriptSchema, ipvsSchema, natNetworkSchema, serviceSchema].flatMap(keysOf)]);
  // As `key`, `"key"` or `{ key: ...`.
  expect([...keys].filter((key) => !new RegExp(`[\`"{ ]${key}(?:[\`":])`).test(TEXT))).toEqual([]);
});

it('shows an example that is sound', () => {
  const example = /```yaml\n([^]*?)```/.exec(TEXT)?.[1] ?? '';
  const located = parseYaml(example, 'inventory.md');
  const path = ['all', 'vars', 'lvs'];
  const value = path.reduce<Json | undefined>((at, key) => (isJsonObject(at) ? at[key] : undefined), located.value) ?? null;
  expect(buildTopology({ value, locate: (at, of) => located.locate([...path, ...at], of) }, HOSTS).services.size).toBe(1);
});
