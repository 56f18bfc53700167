import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../../src/core/errors.ts';
import { isJsonObject, type Json } from '../../../../src/core/json.ts';
import { renderKeepalived } from '../../../../src/lvs/keepalived/render.ts';
import { buildTopology } from '../../../../src/lvs/model/build.ts';
import { type Cluster, lvsValue } from '../arbitrary.ts';

const V2_2_7 = { major: 2, minor: 2, patch: 7 };
/** What would end a string, a line or a block, begin a comment, or be a variable or a repetition in keepalived.conf. */
const PAYLOADS = ['evil"', 'evil # x', 'x\nevil 1', 'x\revil', '/evil }', '/evil {', 'evil!', '/evil $x', '~SEQ(evil, 1, 3)/', '/~LST(evil, 1)', '/evil \\', 'include /evil', '@evil default', 'include'];

type Path = readonly string[];

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Where texts stand, entries of a map or a list counted as one: `virtual_services * address`. */
function* textsOf(value: Json, path: Path = []): Generator<Path> {
  if (typeof value === 'string') yield path;
  else if (isList(value)) for (const [index, item] of value.entries()) yield* textsOf(item, [...path, String(index)]);
  else if (isJsonObject(value)) for (const [key, item] of Object.entries(value)) yield* textsOf(item, [...path, key]);
}

function kindOf(path: Path): string {
  return path.map((step, index) => (index === 1 || /^(\d+|[rd]\d)$/.test(step) ? '*' : step)).join(' ');
}

function replaced(value: Json, [step, ...rest]: Path, payload: string): Json {
  if (step === undefined) return payload;
  if (isList(value)) return value.map((item, index) => (String(index) === step ? replaced(item, rest, payload) : item));
  return isJsonObject(value) ? { ...value, [step]: replaced(value[step] ?? null, rest, payload) } : value;
}

/** With another name everywhere: where it is defined and where it is used. */
function renamed(value: Json, name: string, other: string): Json {
  if (typeof value === 'string') return value === name ? other : value;
  if (isList(value)) return value.map((item) => renamed(item, name, other));
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key === name ? other : key, renamed(item, name, other)])) : value;
}

/** Each kind of place in the clusters once, with the payload there; and each kind of name. */
function corrupted(clusters: readonly Cluster[], payload: string): { readonly lvs: Json; readonly hosts: Cluster['hosts'] }[] {
  const seen = new Set<string>();
  return clusters.flatMap(({ lvs, hosts }) => {
    const fresh = (kind: string): boolean => !seen.has(kind) && seen.add(kind).size > 0;
    const texts = [...textsOf(lvs)].filter((path) => fresh(kindOf(path))).map((path) => replaced(lvs, path, payload));
    const names = Object.entries(lvs).flatMap(([section, entries]) => (isJsonObject(entries) && fresh(`name ${section}`) ? Object.keys(entries).slice(0, 1).map((name) => renamed(lvs, name, payload)) : []));
    return [...texts, ...names].map((bad) => ({ lvs: bad, hosts }));
  });
}

/** keepalived.conf of every director; undefined when the model refuses the value. */
function rendered(lvs: Json, hosts: Cluster['hosts']): string[] | undefined {
  try {
    const topology = buildTopology({ value: lvs, locate: () => undefined }, hosts);
    return [...topology.directors.keys()].map((director) => renderKeepalived(topology, director, V2_2_7));
  } catch (error) {
    if (error instanceof InputErrors || error instanceof LvsPlayError) return undefined;
    throw error;
  }
}

it('no text of an inventory breaks out of its place in keepalived.conf', () => {
  const clusters = fc.sample(lvsValue(), { numRuns: 30, seed: 7 });
  let accepted = 0;
  for (const payload of PAYLOADS) {
    for (const { lvs, hosts } of corrupted(clusters, payload)) {
      const texts = rendered(lvs, hosts);
      if (texts === undefined) continue;
      accepted += 1;
      // Whole, in a string or as words behind a keyword.
      for (const line of texts.join('\n').split('\n').filter((one) => one.includes('evil') || one.includes('include'))) {
        expect(line, payload).not.toMatch(/^ *(include|@)/);
        expect(line, payload).toMatch(/^ *\w+ (.* )?("[^"#$\n]*(evil|include)[^"#$\n]*"|[^"#!${}\n]*(evil|include)[^"#!${}\n]*)( weight \d+| user \w+)?( \{)?$/);
      }
    }
  }
  expect(accepted).toBeGreaterThan(0);
});
