import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFreeForm } from '../../../src/playbook/load/free-form.ts';

describe('arguments in one string', () => {
  it.each([
    ['a=1 b=2', { a: '1', b: '2' }],
    ['msg="two words" mode=0644', { msg: 'two words', mode: '0644' }],
    ["msg='two words'", { msg: 'two words' }],
    ['dest=/etc/{{ name | default("a b") }}.conf x=1', { dest: '/etc/{{ name | default("a b") }}.conf', x: '1' }],
    ['value={{ a == "x y" }}', { value: '{{ a == "x y" }}' }],
    ['msg="a \\"quoted\\" word"', { msg: 'a "quoted" word' }],
    ['url=http://h/?a=b', { url: 'http://h/?a=b' }],
    ['empty=', { empty: '' }],
    ['', {}],
  ])('%s', (text, args) => {
    expect(parseFreeForm(text, false)).toEqual({ args, raw: '' });
  });

  it.each([
    ['echo hi', {}, 'echo hi'],
    ['echo  "two  spaces"  chdir=/tmp', { chdir: '/tmp' }, 'echo  "two  spaces"'],
    ['creates=/x make install', { creates: '/x' }, 'make install'],
    ['env A=1 prog --opt=2', {}, 'env A=1 prog --opt=2'],
    ['dd if=/dev/zero of=/tmp/x', {}, 'dd if=/dev/zero of=/tmp/x'],
    ['echo "{{ a b }}" | tee {{ file }}', {}, 'echo "{{ a b }}" | tee {{ file }}'],
    ['grep \\" file', {}, 'grep \\" file'],
    ["sh -c 'exit 1' removes=\"/a b\"", { removes: '/a b' }, "sh -c 'exit 1'"],
  ])('a command: %s', (text, args, raw) => {
    expect(parseFreeForm(text, true)).toEqual({ args, raw });
  });

  it.each(['msg="open', "it's", 'a={{ b'])('says what is not closed: %s', (text) => {
    expect(() => parseFreeForm(text, false)).toThrow(/closed/);
  });

  it('keeps a command of plain words as it is', () => {
    const word = fc.stringMatching(/^[a-z0-9/._-]{1,8}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), (words) => {
        expect(parseFreeForm(words.join(' '), true).raw).toBe(words.join(' '));
      }),
    );
  });

  it('gives back what was quoted', () => {
    fc.assert(
      fc.property(fc.string().filter((text) => !/[\\{]/.test(text)), (value) => {
        expect(parseFreeForm(`key="${value.replaceAll('"', '\\"')}"`, false).args).toEqual({ key: value });
      }),
    );
  });
});
