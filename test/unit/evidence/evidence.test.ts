import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json, type JsonObject } from '../../../src/core/json.ts';
import { SecretMask } from '../../../src/core/secrets.ts';
import { shownCommand } from '../../../src/evidence/command-line.ts';
import { digestOf, isIntact, sealed, topologyDigest } from '../../../src/evidence/digest.ts';
import { checkEvidence, evidenceText } from '../../../src/evidence/evidence.ts';
import { EXAMPLE, inPair, topologyOf } from '../lvs/support.ts';
import { evidence } from './support.ts';

const same = (text: string): string => text;

/** The same value with the keys of every object the other way round. */
function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map((part: Json) => turned(part));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).reverse().map(([key, part]) => [key, turned(part)]));
}

/** Every value that differs in one place. */
function changes(value: Json): Json[] {
  if (Array.isArray(value)) {
    const parts = value as readonly Json[];
    return [[...parts, null], ...parts.flatMap((part, index) => [...changes(part).map((other) => parts.with(index, other)), parts.toSpliced(index, 1)])];
  }
  if (typeof value === 'object' && value !== null) {
    const object = value as JsonObject;
    const entries = Object.entries(object);
    return [
      { ...object, 'another key': null },
      ...entries.flatMap(([key, part]) => [...changes(part).map((other) => ({ ...object, [key]: other })), Object.fromEntries(entries.filter(([name]) => name !== key))]),
    ];
  }
  if (typeof value === 'string') return [`${value} `, [value]];
  if (typeof value === 'number') return [value === 0 ? 1 : -value, String(value)];
  return [value === true ? false : true, String(value)];
}

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);

describe('the digest', () => {
  it('does not go by the order of keys', () => {
    fc.assert(fc.property(json, (value) => {
      expect(digestOf(turned(value))).toBe(digestOf(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(value);
    }));
    // Keys that look like numbers have an order of their own in JavaScript.
    expect(canonicalJson({ b: 1, 10: 2, 9: 3 })).toBe('{"10":2,"9":3,"b":1}');
  });

  it('is another one for any change of anything', () => {
    fc.assert(fc.property(json, (value) => {
      const own = digestOf(value);
      for (const other of changes(value)) expect(digestOf(other)).not.toBe(own);
    }), { numRuns: 40 });
  });

  it('seals a document, and shows that it was changed', () => {
    fc.assert(fc.property(fc.dictionary(fc.string().filter((key) => key !== 'digest' && key !== '__proto__'), json, { maxKeys: 4 }), (document) => {
      const done = sealed(document);
      expect(isIntact(turned(done) as JsonObject)).toBe(true);
      for (const other of changes(document)) expect(isIntact({ ...(other as JsonObject), digest: done['digest'] ?? null })).toBe(false);
    }), { numRuns: 40 });
    expect(isIntact({})).toBe(false);
  });
});

describe('the digest of a topology', () => {
  const digest = (text: string): string => topologyDigest(topologyOf(text), same);

  it('is that of what an inventory means', () => {
    expect(digest(EXAMPLE)).toBe(digest(`# a comment\n${EXAMPLE.replace('{ weight: 1 }', '')}`));
    expect(digest(EXAMPLE)).not.toBe(digest(EXAMPLE.replace('weight: 1', 'weight: 2')));
    expect(digest(EXAMPLE)).not.toBe(digest(EXAMPLE.replace('priority: 90', 'priority: 80')));
  });

  it('has no password in it, however short', () => {
    expect(digest(inPair('auth_pass: secret1'))).toBe(digest(inPair('auth_pass: abc')));
    const mask = new SecretMask();
    mask.add('192.168.0.38');
    expect(topologyDigest(topologyOf(EXAMPLE), (text) => mask.mask(text))).not.toBe(digest(EXAMPLE));
  });
});

describe('a file of evidence', () => {
  const text = evidenceText(evidence(), same);

  it('is intact as it was written, in whatever form', () => {
    expect(checkEvidence(text, 'e.json')).toEqual({ intact: true, words: expect.stringMatching(/^e\.json is intact: 3 checks, 1 failed; from controller, client1, 2026-01-01T00:00:00\.000Z to 2026-01-01T00:00:04\.000Z, by alice@ops1; sha256:[0-9a-f]{64}$/) as string });
    expect(checkEvidence(JSON.stringify(turned(JSON.parse(text) as Json)), 'e.json').intact).toBe(true);
  });

  it.each<[string, (text: string) => string]>([
    ['a verdict', (all) => all.replace('"fail"', '"pass"')],
    ['a time', (all) => all.replace('00:00:02.500Z', '00:00:02.501Z')],
    ['the operator', (all) => all.replace('alice', 'bob')],
    ['the digest', (all) => all.replace(/"digest": "sha256:./, '"digest": "sha256:-')],
    ['no digest', (all) => all.replace(/,\s*"digest": "[^"]*"/, '')],
    ['a key that is there twice', (all) => all.replace('"verdict": "fail"', '"verdict": "pass", "verdict": "fail"')],
  ])('shows that it was changed: %s', (_what, change) => {
    expect(change(text)).not.toBe(text);
    expect(checkEvidence(change(text), 'e.json')).toMatchObject({ intact: false, words: expect.stringMatching(/^e\.json was changed: /) as string });
  });

  it.each([
    ['no JSON', 'checks: all', 'no-evidence'],
    ['cut off', text.slice(0, 200), 'no-evidence'],
    ['another document', '{"version":2,"checks":[]}', 'no-evidence'],
    ['a later version', text.replace('"version": 1', '"version": 7'), 'evidence-version'],
  ])('is refused: %s', (_what, given, code) => {
    expect(() => checkEvidence(given, 'e.json')).toThrow(expect.objectContaining({ code, kind: 'input' }) as Error);
  });

  it('has no secret in it, and its digest fits all the same', () => {
    const mask = new SecretMask();
    mask.add('nobody" & co');
    const masked = evidenceText(evidence(), (part) => mask.mask(part));
    expect(masked).toContain('refused <by> \\"********');
    expect(checkEvidence(masked, 'e.json').intact).toBe(true);
  });

  it('says what it holds in plain letters', () => {
    const odd = evidenceText(evidence({ operator: 'a\u001B[2Jb@x' }), same);
    expect(checkEvidence(odd, 'e.json').words).toContain('by a?[2Jb@x;');
  });
});

describe('the command line in it', () => {
  it.each<[readonly string[], string]>([
    [['verify', '-i', 'hosts.yml', '--from', 'a b'], "lvs-play verify -i hosts.yml --from 'a b'"],
    [['verify', '-e', 'pw=hunter22', '-K'], 'lvs-play verify -e pw=... -K'],
    [['verify', '-epw=hunter22'], 'lvs-play verify -epw=...'],
    [['verify', '-be', 'a=1 pw=hunter22'], 'lvs-play verify -be a=...'],
    [['verify', '--extra-vars', '{"pw": "hunter22"}'], 'lvs-play verify --extra-vars ...'],
    [['verify', '--extra-vars=pw=hunter22'], 'lvs-play verify --extra-vars=pw=...'],
    [['verify', '-e', '@vars.yml', '-e@more.yml'], 'lvs-play verify -e @vars.yml -e@more.yml'],
    [['verify', '--every', '20ms', '--evidence', 'x'], 'lvs-play verify --every 20ms --evidence x'],
    [['verify', '--during', '--', 'lvs-play', 'deploy', '-e', 'pw=hunter22'], 'lvs-play verify --during -- lvs-play deploy -e pw=...'],
    [['verify', '--during', "lvs-play deploy -e 'pw=hunter22 x' -b"], "lvs-play verify --during 'lvs-play deploy -e ... -b'"],
  ])('%j', (args, shown) => {
    expect(shownCommand(args)).toBe(shown);
    expect(shownCommand(args)).not.toContain('hunter22');
  });
});
