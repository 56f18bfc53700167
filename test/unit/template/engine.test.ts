import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { LvsPlayError } from '../../../src/core/errors.ts';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { createTemplateEngine } from '../../../src/template/engine.ts';

const VARS: JsonObject = {
  name: 'rs1',
  port: 80,
  on: true,
  nothing: null,
  list: [3, 1, 2],
  servers: [
    { name: 'rs1', weight: 1 },
    { name: 'rs2', weight: 2 },
  ],
  map: { a: 1, b: { c: 'deep' } },
  address: '{{ name }}.example:{{ port }}',
  chained: '{{ address | upper }}',
  circle: '{{ ring }}',
  ring: '{{ circle }}',
  broken: '{{ missing }}',
};
const engine = createTemplateEngine();
const where = (path: readonly (string | number)[]) => ({ file: 'f.yml', line: 7, column: path.length + 1 });

function failure(work: () => unknown): LvsPlayError {
  try {
    work();
  } catch (error) {
    if (error instanceof LvsPlayError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('renderValue', () => {
  it.each<[Json, Json]>([
    ['plain', 'plain'],
    ['{{ port }}', 80],
    ['{{ port + 1 }}', 81],
    ['p{{ port }}', 'p80'],
    ['{{ list }}', [3, 1, 2]],
    ['{{ map.b.c }}', 'deep'],
    ["{{ map['b']['c'] }}", 'deep'],
    ['{{ servers[1].name }}', 'rs2'],
    ['{{ chained }}', 'RS1.EXAMPLE:80'],
    ["{{ 'a' if on else 'b' }}", 'a'],
    ['{{ missing | default("x") }}', 'x'],
    ['{{ broken | default("x") }}', 'x'],
    ['{{ map.zz | default(5) }}', 5],
    ['{{ servers | map(attribute="name") | join(",") }}', 'rs1,rs2'],
    ['{{ map | dict2items }}', [{ key: 'a', value: 1 }, { key: 'b', value: { c: 'deep' } }]],
    ['{{ map | combine({"a": 2}) }}', { a: 2, b: { c: 'deep' } }],
    ['{{ list | sort | first }}', 1],
    ['{{ "%03d" | format(7) }}', '007'],
    ['{{ "a}}b" }}', 'a}}b'],
    ['{{ name is match("rs") }}', true],
    ['{{ on | ternary("y", "n") }}', 'y'],
    [{ keep: '{{ port }}', drop: '{{ missing | default(omit) }}', list: ['{{ name }}', '{{ omit }}'] }, { keep: 80, list: ['rs1'] }],
    ['{{ name }} {# comment #}{% if on %}yes{% endif %}', 'rs1 yes'],
    ['{{ "a b" | quote }}', "'a b'"],
  ])('%j gives %j', (template, value) => {
    expect(engine.renderValue(template, { vars: VARS })).toEqual(value);
  });

  it.each([
    ['{{ missing }}', 'undefined-variable', /missing is undefined/],
    ['a {{ missing }}', 'undefined-variable', /missing is undefined/],
    ['{{ nme }}', 'undefined-variable', /nme/],
    ['{{ map.zz }}', 'undefined-variable', /map\.zz/],
    ['{{ map.zz + 1 }}', 'undefined-variable', /undefined/],
    ['{{ broken }}', 'undefined-variable', /missing/],
    ['{{ circle }}', 'template-cycle', /circle -> ring -> circle/],
    ['{{ 1 + }}', 'template-syntax', /syntax/],
    ['{% if %}', 'template-syntax', /syntax/],
    ['{{ name | no_such }}', 'template-error', /no_such/],
    ['{{ lookup("env", "HOME") }}', 'template-error', /lookup/],
    ['{{ name | dict2items }}', 'template-error', /mapping/],
    ['{{ name | from_json }}', 'template-error', /JSON|token/i],
  ])('%s fails with %s, at its place, with a hint', (template, code, message) => {
    const error = failure(() => engine.renderValue({ a: template }, { vars: VARS }, where));
    expect(error).toMatchObject({ code, kind: 'input', position: { file: 'f.yml', line: 7, column: 2 } });
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
    // A failure leaves the engine whole.
    expect(engine.renderValue('{{ port + 1 }}', { vars: VARS })).toBe(81);
  });

  it('suggests the name that was meant', () => {
    expect(failure(() => engine.renderValue('{{ prot }}', { vars: VARS })).hint).toMatch(/port/);
  });

  it('never renders what came from a machine', () => {
    const vars = { result: { stdout: '{{ name }}{% if on %}' }, through: '{{ result.stdout }}!' };
    const scope = { vars, raw: new Set(['result']) };
    expect(engine.renderValue('{{ result.stdout }}', scope)).toBe('{{ name }}{% if on %}');
    expect(engine.renderValue('{{ through }}', scope)).toBe('{{ name }}{% if on %}!');
    expect(engine.renderValue('{{ result.stdout | upper }}', scope)).toBe('{{ NAME }}{% IF ON %}');
  });
});

describe('evaluate', () => {
  it.each<[string, Json]>([
    ['port == 80', true],
    ['missing is defined', false],
    ['missing is not defined or missing == 1', true],
    ['map.zz is defined and map.zz == 1', false],
    ['map.zz | default(3) == 3', true],
    ['servers | selectattr("weight", "gt", 1) | list | length == 1', true],
    ['name.startswith("rs")', true],
    ['map.b.c == "deep" and "map.zz" != ""', true],
    ['port in [80, 443]', true],
    ['range(2) | list == [0, 1]', true],
  ])('%s is %j', (expression, value) => {
    expect(engine.evaluate(expression, { vars: VARS })).toEqual(value);
  });

  it.each(['typo == 1', 'not typo', 'typo ~ ""', 'port == 80 and typo', 'map.zz == 1', 'map.b.zz', 'typo in list', '"a" if typo else "b"'])('%s is refused: nothing undefined counts as false', (expression) => {
    expect(failure(() => engine.evaluate(expression, { vars: VARS }))).toMatchObject({ code: 'undefined-variable' });
  });
});

describe('renderText', () => {
  it('names the file and the line', () => {
    const error = failure(() => engine.renderText('one\n{% for s in servers %}\n{{ s.nope }}\n{% endfor %}', { vars: VARS }, 'page.j2'));
    expect(error).toMatchObject({ code: 'undefined-variable', position: { file: 'page.j2', line: 3 } });
  });
});

describe('references', () => {
  it.each<[Json, string[]]>([
    ['{{ chained }}', ['address', 'chained', 'name', 'port']],
    [{ a: ['{{ result.rc == 0 }}'], b: 'x' }, ['result']],
    ['{{ map.name | default(port, true) }} {{ foo(name=1) }}', ['foo', 'map', 'port', 'true']],
    ['{{ "name" }}', []],
  ])('%j reads %j', (value, names) => {
    expect([...engine.references(value, { vars: VARS })].filter((name) => name !== 'true').sort()).toEqual(names.filter((name) => name !== 'true'));
  });
});

describe('against Jinja of Python', () => {
  const templates = [
    'a {{ name }} b\n',
    '{% for s in servers %}\n{{ loop.index }} {{ s.name }}={{ s.weight }}\n{% endfor %}\nend\n',
    '{% if port == 80 and on %}yes{% else %}no{% endif %}\n\n',
    '{% for k, v in map.items() %}{{ k }};{% endfor %}',
    '{{ list | sort | join("-") }}|{{ list | max }}|{{ list | sum }}',
    '  {%- if on %}  x  {%- endif %} y',
    '{% set n = namespace(t=0) %}{% for s in servers %}{% set n.t = n.t + s.weight %}{% endfor %}{{ n.t }}',
    '{{ "%s:%d" | format(name, port) }} {{ name | replace("r", "R") }} {{ name ~ port }}',
    '{{ servers | selectattr("weight", "gt", 1) | map(attribute="name") | list | length }}',
    '{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(name) }}',
    '{{ name[0] }}{{ name[1:] }}{{ list[-1] }}',
    '{% raw %}{{ name }}{% endraw %}',
  ];

  it('renders the same text', () => {
    const vars = Object.fromEntries(Object.entries(VARS).filter(([name]) => ['name', 'port', 'on', 'list', 'servers', 'map'].includes(name)));
    const script = [
      'import json, sys, jinja2',
      'env = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True)',
      'data = json.load(sys.stdin)',
      'print(json.dumps([env.from_string(t).render(**data["vars"]) for t in data["templates"]]))',
    ].join('\n');
    const output = execFileSync('/usr/bin/python3', ['-c', script], { input: JSON.stringify({ vars, templates }), encoding: 'utf8' });
    expect(templates.map((template) => engine.renderText(template, { vars }, 't'))).toEqual(JSON.parse(output));
  });
});
