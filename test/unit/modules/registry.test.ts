import { describe, expect, it } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../src/core/errors.ts';
import { isJsonObject, type JsonObject } from '../../../src/core/json.ts';
import { knownModules, loadModule, moduleNames, validateArgs } from '../../../src/modules/registry.ts';
import { parseYaml } from '../../../src/yaml/load.ts';

/** What is wrong with arguments written in YAML, as `line:column message / hint`. */
async function problems(name: string, text: string): Promise<string[]> {
  const located = parseYaml(text, 'tasks.yml');
  if (!isJsonObject(located.value)) throw new Error('arguments are a mapping');
  const args = { value: located.value, locate: located.locate.bind(located) };
  try {
    await validateArgs(await loadModule(name), args, { file: 'tasks.yml', line: 99, column: 1 });
    return [];
  } catch (error) {
    if (!(error instanceof LvsPlayError)) throw error;
    return (error instanceof InputErrors ? error.errors : [error]).map((one) => {
      expect(one).toMatchObject({ code: 'bad-argument', kind: 'input' });
      return `${String(one.position?.line)}:${String(one.position?.column)} ${one.message} / ${one.hint ?? ''}`;
    });
  }
}

describe('registry', () => {
  it('has a module under each name, and tells free form before loading', async () => {
    for (const name of moduleNames) {
      const module = await loadModule(name);
      expect(module.name).toBe(name);
      expect(knownModules.get(name)).toEqual(module.freeForm === undefined ? {} : { freeForm: module.freeForm });
    }
  });

  it('suggests a name', async () => {
    await expect(loadModule('servise')).rejects.toMatchObject({ code: 'unknown-module', kind: 'input', hint: 'did you mean service?' });
    await expect(loadModule('xyzzy')).rejects.toMatchObject({ hint: expect.stringContaining('assert, command') as string });
  });

  it.each<[string, string, string[]]>([
    ['service', 'name: nginx\nstate: started', []],
    ['service', 'name: nginx\nstat: started', ['2:1 service: unknown argument "stat" / did you mean state?']],
    ['service', 'name: nginx\ncolour: red', ['2:1 service: unknown argument "colour" / it takes name, state, enabled, masked, daemon_reload']],
    ['service', 'state: started', ['99:1 service: "name" is missing / lvs-play module service shows its arguments']],
    ['service', 'name: nginx\nstate: startd', ['2:8 service: state: "startd" is not one of started, stopped, restarted, reloaded / did you mean started?']],
    ['service', 'name: nginx\nenabled: 3', ['2:10 service: enabled must be boolean, not 3 / lvs-play module service shows its arguments']],
    ['service', 'state: startd\nenabld: yes\nname: nginx', ['1:8 service: state: "startd" is not one of started, stopped, restarted, reloaded / did you mean started?', '2:1 service: unknown argument "enabld" / did you mean enabled?']],
    ['command', 'argv: [ls, 3]', ['1:12 command: argv.1 must be string, not 3 / lvs-play module command shows its arguments']],
    ['uri', 'url: http://a/\nheaders: { a: [1] }', ['2:15 uri: headers.a must be string, not [1] / lvs-play module uri shows its arguments']],
  ])('%s: %j', async (name, text, expected) => {
    expect((await problems(name, text)).sort()).toEqual(expected);
  });

  it('does not repeat long values, which may be whole files', async () => {
    const [problem] = await problems('copy', `dest: /a\ncontent: [${'secret, '.repeat(20)}]`);
    expect(problem).toContain('content must be string, not a list');
  });

  it('reports a value that has no place at the task', async () => {
    const args: JsonObject = { name: 'nginx', enabled: 'perhaps' };
    await expect(validateArgs(await loadModule('service'), { value: args, locate: () => undefined }, { file: 'a.yml', line: 1, column: 1 })).rejects.toMatchObject({ position: { file: 'a.yml' } });
  });
});
