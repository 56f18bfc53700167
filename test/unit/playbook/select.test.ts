import { describe, expect, it } from 'vitest';
import { selectTasks, tagsSelected } from '../../../src/playbook/select.ts';
import { loadPlay } from './support.ts';

describe('tags', () => {
  it.each([
    // own tags, --tags, --skip-tags, selected
    [[], [], [], true],
    [['a'], [], [], true],
    [['never'], [], [], false],
    [['never', 'a'], ['a'], [], true],
    [['never', 'a'], ['never'], [], true],
    [['never', 'a'], ['all'], [], false],
    [['a'], ['b'], [], false],
    [['a', 'b'], ['b'], [], true],
    [['always'], ['b'], [], true],
    [['always'], [], ['always'], false],
    [['always', 'a'], [], ['a'], false],
    [[], ['tagged'], [], false],
    [['a'], ['tagged'], [], true],
    [['never', 'a'], ['tagged'], [], false],
    [[], ['untagged'], [], true],
    [['a'], ['untagged'], [], false],
    [['a'], [], ['tagged'], false],
    [[], [], ['untagged'], false],
    [['a'], [], ['all'], false],
    [['always'], [], ['all'], true],
    [['always'], [], ['all', 'always'], false],
    [['a', 'b'], ['a'], ['b'], false],
  ])('%j with --tags %j --skip-tags %j: %s', (own, tags, skipTags, selected) => {
    expect(tagsSelected(own, { tags, skipTags })).toBe(selected);
  });

  it('of an include choose the include, not the tasks in it', async () => {
    const files = { 'more.yml': '- {name: plain, debug: }\n- {name: own, debug: , tags: inner}\n' };
    const play = await loadPlay('- hosts: all\n  tasks:\n    - {include_tasks: more.yml, tags: outer}\n    - {import_tasks: more.yml, tags: outer}\n', files);
    const names = (...tags: string[]) => selectTasks(play, { tags, skipTags: [] }).map((task) => task.name);
    expect(names('outer')).toEqual(['plain', 'own']);
    expect(names('outer', 'inner')).toEqual(['own', 'plain', 'own']);
    expect(names('inner')).toEqual(['own']);
    expect(names()).toHaveLength(4);
  });
});
