import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellCommand, shellQuote } from '../../../src/core/text/quote.ts';

const SHELLS: readonly (readonly [string, string, readonly string[]])[] = [
  ['dash', 'dash', []],
  ['busybox sh', 'busybox', ['sh']],
  ['bash', 'bash', []],
];

describe('shellQuote', () => {
  it.each([
    ['', "''"],
    ['plain-1.2_3:4,5+6@7%8/9', 'plain-1.2_3:4,5+6@7%8/9'],
    ['a b', "'a b'"],
    ["it's", `'it'\\''s'`],
    ['$HOME', "'$HOME'"],
    ['~', "'~'"],
    ['~root/x', "'~root/x'"],
    ['=cmd', "'=cmd'"],
    ['a\nb', "'a\nb'"],
    ['*', "'*'"],
    ['#', "'#'"],
    ['ä', "'ä'"],
  ])('%j -> %s', (value, quoted) => {
    expect(shellQuote(value)).toBe(quoted);
  });

  it('refuses NUL', () => {
    expect(() => shellQuote('a\0b')).toThrow(RangeError);
  });

  describe.each(SHELLS)('under %s', (_name, shell, args) => {
    it('gives back any words', () => {
      const character = fc.oneof(fc.constantFrom(...Array.from("'\"\\$`(){}[];&|<>\n\t\r #!*?~=%-^,.@a0")), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }));
      const word = fc.string({ unit: character, maxLength: 12 }).filter((text) => !text.includes('\0') && Buffer.from(text).toString() === text);
      fc.assert(
        fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
          const output = execFileSync(shell, [...args, '-c', `printf '%s\\0' ${words.map(shellQuote).join(' ')}`]).toString();
          expect(output.split('\0').slice(0, -1)).toEqual(words);
        }),
        { numRuns: 60 },
      );
    });

    it('quotes a quoted script again', () => {
      fc.assert(
        fc.property(fc.string({ unit: fc.constantFrom("'", '"', '\\', '$', '`', '\n', 'a', ' '), maxLength: 10 }), (word) => {
          const script = `printf %s ${shellQuote(word)}`;
          expect(execFileSync(shell, [...args, '-c', `eval ${shellQuote(script)}`]).toString()).toBe(word);
        }),
        { numRuns: 30 },
      );
    });
  });
});

describe('shellCommand', () => {
  it.each([
    [['ls', '-l', 'a b'], "ls -l 'a b'"],
    [['A=1', 'B=2'], "'A=1' B=2"],
    [['my cmd'], "'my cmd'"],
  ])('%j -> %s', (argv, command) => {
    expect(shellCommand(argv)).toBe(command);
  });

  it('refuses nothing at all', () => {
    expect(() => shellCommand([])).toThrow(RangeError);
  });

  it.each(SHELLS)('takes the first word as a command under %s, whatever it looks like', (_name, shell, args) => {
    const run = (argv: readonly string[]): string => execFileSync(shell, [...args, '-c', `${shellCommand(argv)} 2>/dev/null; echo $?`]).toString();
    expect(run(['A=1'])).toBe('127\n');
    expect(run(['printf', '%s', '-n x'])).toBe('-n x0\n');
  });
});
