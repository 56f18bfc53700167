import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellQuote } from '../../../src/core/text/quote.ts';
import { splitWords } from '../../../src/core/text/words.ts';

describe('splitWords', () => {
  it.each([
    ['', []],
    ['  ', []],
    ['-o A=b', ['-o', 'A=b']],
    [`-o 'ProxyCommand=ssh -W %h:%p "my host"'`, ['-o', 'ProxyCommand=ssh -W %h:%p "my host"']],
    ['-o "A b"c', ['-o', 'A bc']],
    ['a\\ b', ['a b']],
    ['"a\\"b\\\\c\\d"', ['a"b\\c\\d']],
    [`'' ""`, ['', '']],
    ['a#b # c', ['a#b', '#', 'c']],
  ])('%s', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  it.each(["'a", '"a', 'a\\'])('refuses %s', (text) => {
    expect(() => splitWords(text)).toThrow(RangeError);
  });

  it('undoes quoting', () => {
    fc.assert(
      fc.property(fc.array(fc.string().filter((word) => !word.includes('\0'))), (words) => {
        expect(splitWords(words.map(shellQuote).join(' '))).toEqual(words);
      }),
    );
  });

  it('splits as dash does', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', ' ', "'", '"', '\\', '='), maxLength: 14 }), (text) => {
        let words: string[];
        try {
          words = splitWords(text);
        } catch {
          return;
        }
        const output = execFileSync('dash', ['-c', `for w in ${text}\ndo printf '%s\\0' "$w"; done`]).toString();
        expect(output.split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 200 },
    );
  });
});
