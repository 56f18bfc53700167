import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { LvsPlayError } from '../../../src/core/errors.ts';
import { parseYaml, subLocated, vaultCiphertext } from '../../../src/yaml/load.ts';

const FILE = 'some.yml';

function failure(text: string): LvsPlayError {
  try {
    parseYaml(text, FILE);
  } catch (error) {
    if (error instanceof LvsPlayError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseYaml', () => {
  it.each([
    ['', null],
    ['# only a comment\n', null],
    ['a: yes\nb: off\nc: "yes"', { a: true, b: false, c: 'yes' }],
    ['mode: 0644', { mode: 420 }],
    ['when: 2026-11-23', { when: '2026-11-23' }],
    ['- 1\n- x\n- [a, {b: c}]', [1, 'x', ['a', { b: 'c' }]]],
    ['base: &b {x: 1, y: 1}\nmore:\n  <<: *b\n  y: 2\nsame: *b', { base: { x: 1, y: 1 }, more: { x: 1, y: 2 }, same: { x: 1, y: 1 } }],
    ['on: edge\n51: x', { on: 'edge', 51: 'x' }],
    ['a: !unsafe plain', { a: 'plain' }],
    ['a: !unsafe "{{ x }}"', { a: '{% raw %}{{ x }}{% endraw %}' }],
    ['a: y\nb: n\nc: 1e3\nd: 1.0e+3\ne: .inf\nf: 1_000\ng: ~', { a: 'y', b: 'n', c: '1e3', d: 1000, e: '.inf', f: 1000, g: null }],
    ['on: 1\n"yes": 2\ny: 3', { on: 1, yes: 2, y: 3 }],
    ['a: |\n  one\n  two\n', { a: 'one\ntwo\n' }],
  ])('%j', (text, value) => {
    expect(parseYaml(text, FILE).value).toEqual(value);
  });

  it('keeps vaulted scalars apart from text', () => {
    const { value } = parseYaml('a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n', FILE);
    expect(vaultCiphertext((value as { a: never }).a)).toBe('$ANSIBLE_VAULT;1.1;AES256\n6162\n');
    expect(vaultCiphertext({ a: 'b' })).toBeUndefined();
  });

  const text = 'top:\n  list:\n    - name: one\n    - {name: two, <<: *none}\n'.replace(', <<: *none', '');
  it.each([
    [['top'], 'key', 1, 1],
    [['top'], 'value', 2, 3],
    [['top', 'list', 1, 'name'], 'key', 4, 8],
    [['top', 'list', 1, 'name'], 'value', 4, 14],
    [['top', 'list', 0, 'missing', 'deeper'], 'value', 3, 7],
    [[], 'value', 1, 1],
  ] as const)('locates %j as %s', (path, of, line, column) => {
    expect(parseYaml(text, FILE).locate(path, of)).toEqual({ file: FILE, line, column });
  });

  it('locates through aliases, merge keys and sub-values', () => {
    const located = parseYaml('base: &b\n  x: 1\nmore:\n  <<: *b\n  y: 2\nsame: *b\n', FILE);
    expect(located.locate(['same', 'x'])).toEqual({ file: FILE, line: 2, column: 6 });
    expect(located.locate(['more', 'x'], 'key')).toEqual({ file: FILE, line: 2, column: 3 });
    expect(subLocated(located, ['more']).locate(['y'])).toEqual({ file: FILE, line: 5, column: 6 });
    expect(subLocated(located, ['more', 'x']).value).toBe(1);
  });

  it.each([
    ['a: [1, 2', 'bad-yaml', 1, /bracket/],
    ['a: 1\na: 2\n', 'bad-yaml', 2, /only once/],
    ['a: {{ x }}\n', 'bad-yaml', 1, /quotes/],
    ['a: 1\n---\nb: 2\n', 'bad-yaml', 2, /./],
    ['a:\n\tb: 1\n', 'bad-yaml', 2, /spaces/],
    ['- {{ x }}\n', 'bad-yaml', 1, /quotes/],
    ['a: 1\nb: !foo x\n', 'bad-yaml', 2, /!vault/],
    ['a: !unsafe "{{ x }}{% endraw %}"\n', 'bad-yaml', 1, /./],
    ['a: *nothing\n', 'bad-yaml', 1, /./],
    ['a: &a [*a]\n', 'bad-yaml', 1, /./],
  ])('refuses %j with place and hint', (bad, code, line, hint) => {
    const error = failure(bad);
    expect(error).toMatchObject({ code, kind: 'input' });
    expect(error.position).toMatchObject({ file: FILE, line });
    expect(error.hint).toMatch(hint);
    expect(error.message).not.toContain('\n');
  });
});

describe('against PyYAML as Ansible uses it', () => {
  const scalars = [
    'y', 'n', 'yes', 'No', 'ON', 'off', 'true', 'False', 'TRUE', 'tRue', '~', 'null', 'Null', '', '0', '1', '-1', '+1', '0644', '0o644', '0x1F', '0b11', '1_000', '08', '1.5', '.5', '1.', '1e3', '1.0e3', '1.0e+3', '-1.5E-2', '1:30', '192.168.0.38', '192.168.0.38:80', '00:16:3e:00:00:01',
    '52:54:00:12:34:56', '10.0.0.0/24', 'a b', "'it''s'", '"a\\tb"', '12e03', '1.2.3', '[1, yes, x]', '{a: on, b: [~]}', '|\n  x\n  y\n', '>-\n  x\n  y\n', '"{{ x }}"', '123456789012',
  ];

  it('reads scalars alike', () => {
    const texts = scalars.map((scalar) => `v: ${scalar.replaceAll('\\n', '\n')}\n`);
    const script = 'import json, sys, yaml\nprint(json.dumps([yaml.safe_load(t) for t in json.load(sys.stdin)]))';
    const theirs = JSON.parse(execFileSync('/usr/bin/python3', ['-c', script], { input: JSON.stringify(texts), encoding: 'utf8' })) as unknown[];
    expect(texts.map((text) => parseYaml(text, FILE).value)).toEqual(theirs);
  });
});
