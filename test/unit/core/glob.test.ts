import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globPattern } from '../../../src/core/text/glob.ts';

describe('shell patterns', () => {
  it.each<[string, string, boolean]>([
    ['start', 'start', true],
    ['start', 'restart', false],
    ['*.conf', 'a.conf', true],
    ['*.conf', 'aXconf', false],
    ['re*', 'restart\nnow', true],
    ['?', 'ab', false],
    ['[ab]*', 'bc', true],
    ['[!ab]*', 'bc', false],
    ['[a-c]x', 'bx', true],
    ['[z-a]x', 'bx', false],
    ['a[', 'a[', true],
    ['a{2}|b', 'aa', false],
    ['[]x]', ']', true],
  ])('%s and %s: %s', (pattern, text, expected) => {
    expect(globPattern(pattern).test(text)).toBe(expected);
  });

  it('in paths no part reaches over a slash', () => {
    expect(globPattern('/etc/*/x.conf', '/').test('/etc/a/x.conf')).toBe(true);
    expect(globPattern('/etc/*.conf', '/').test('/etc/a/x.conf')).toBe(false);
    expect(globPattern('/etc/?/x', '/').test('/etc///x')).toBe(false);
  });

  it('agree with what sh takes', () => {
    const words = fc.array(fc.constantFrom('a', 'b', '*', '?', '.', '[ab]', '[!a]', '[a-b]', '^', '-', '+', '(', '|', '$'), { maxLength: 6 }).map((parts) => parts.join(''));
    const cases = fc.sample(fc.tuple(words, words), { numRuns: 400, seed: 7 });
    const quoted = (text: string): string => `'${text}'`;
    const script = cases.map(([pattern, text]) => `p=${quoted(pattern)}; case ${quoted(text)} in $p) echo true;; *) echo false;; esac`).join('\n');
    expect(cases.map(([pattern, text]) => String(globPattern(pattern).test(text)))).toEqual(execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim().split('\n'));
  });
});
