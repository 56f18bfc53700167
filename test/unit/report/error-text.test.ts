import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../src/core/errors.ts';
import { formatError } from '../../../src/report/error-text.ts';

const HERE = { file: 'site.yml', line: 2, column: 3 };
const WRONG = new LvsPlayError({ code: 'unknown-keyword', kind: 'input', message: 'unknown keyword "becom"', position: HERE, hint: 'did you mean "become"?' });

describe('an error', () => {
  it('has cause, place, the line with a mark, and a way out', () => {
    expect(formatError(WRONG, { color: false, source: () => '- hosts: all\n  becom: true\n' })).toBe(`error: unknown keyword "becom"
  at site.yml:2:3
  2 |   becom: true
    |   ^
  hint: did you mean "become"?
`);
  });

  it('does without the line when the file cannot be read', () => {
    expect(formatError(WRONG, { color: false, source: () => undefined })).toBe('error: unknown keyword "becom"\n  at site.yml:2:3\n  hint: did you mean "become"?\n');
  });

  it('keeps the mark in its place after tabs', () => {
    const error = new LvsPlayError({ code: 'x', kind: 'input', message: 'm', position: { file: 'f', line: 1, column: 4 } });
    expect(formatError(error, { color: false, source: () => '\tab\tc' })).toContain('  1 | \tab\tc\n    | \t  ^\n');
  });

  it('names its host, once', () => {
    expect(formatError(new LvsPlayError({ code: 'x', kind: 'host', message: 'disk full', host: 'rs1' }), { color: false })).toBe('error: rs1: disk full\n');
    expect(formatError(new LvsPlayError({ code: 'x', kind: 'host', message: 'rs1 is down', host: 'rs1' }), { color: false })).toBe('error: rs1 is down\n');
  });

  it('is told with all the others', () => {
    const text = formatError(new InputErrors([WRONG, new LvsPlayError({ code: 'y', kind: 'input', message: 'second' })]), { color: false });
    expect(text.match(/^error: /gm)).toHaveLength(2);
  });

  it('of our own says so, and shows where when asked', () => {
    const error = new TypeError('x is not a function');
    expect(formatError(error, { color: false })).toBe('error: x is not a function\n  hint: this is a mistake in lvs-play; -vvv shows where\n');
    expect(formatError(error, { color: false, stack: 'asked' })).toContain('error-text.test.ts');
    // Where there is no -v to ask with, it is shown unasked.
    expect(formatError(error, { color: false, stack: 'always' })).toMatch(/hint: this is a mistake in lvs-play; report it with the lines below\nTypeError: .*\n.*error-text\.test\.ts/);
    expect(formatError('just a text', { color: false })).toMatch(/^error: just a text\n/);
  });

  it('of this machine is not called ours', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
    expect(formatError(full, { color: false })).toBe('error: ENOSPC: no space left on device, write\n  hint: the file system is full: free space there (df -h, df -i)\n');
    const refused = await writeFile('/dev/full', 'x').catch((error: unknown) => error);
    expect(formatError(refused, { color: false })).not.toContain('mistake in lvs-play');
    expect(formatError(new LvsPlayError({ code: 'x', kind: 'machine', message: 'no disk' }), { color: false })).toBe('error: no disk\n');
  });

  it('lets no host write to the terminal', () => {
    expect(formatError(new LvsPlayError({ code: 'x', kind: 'host', message: 'a\u001b[2Jb' }), { color: false })).toBe('error: ab\n');
  });
});
