import { LvsPlayError, type Position } from '../core/errors.ts';

/**
 * The host names a pattern of Ansible's inventory stands for: `rs[01:20]` keeps leading zeros, `[a:f]` counts letters, `[1:10:2]` has a
 * step, and several ranges multiply. A name without a range is itself.
 * @throws LvsPlayError `bad-range`
 */
export function expandRange(name: string, position?: Position): string[] {
  const match = /^(.*?)\[([^\]]*)\](.*)$/.exec(name);
  if (match === null) return [name];
  const [, head = '', range = '', tail = ''] = match;
  const bad = (why: string): LvsPlayError =>
    new LvsPlayError({ code: 'bad-range', kind: 'input', message: `"${name}": ${why}`, position, hint: 'write rs[1:3], rs[01:20], rs[1:10:2] or db-[a:f]' });
  const parts = range.split(':');
  if (parts.length < 2 || parts.length > 3) throw bad('a range has a begin, an end and perhaps a step');
  const [begin = '', end = '', step = '1'] = parts;
  if (!/^[1-9]\d*$/.test(step)) throw bad('the step must be a positive number');
  const items = /^[a-zA-Z]$/.test(end) ? letters(begin, end, Number(step)) : numbers(begin === '' ? '0' : begin, end, Number(step));
  if (items === undefined) throw bad('begin and end must be numbers of the same width or single letters, begin not after end');
  if (items.length > 10_000) throw bad('more than 10,000 hosts');
  return items.flatMap((item) => expandRange(`${head}${item}${tail}`, position));
}

function numbers(begin: string, end: string, step: number): string[] | undefined {
  if (!/^\d+$/.test(begin) || !/^\d+$/.test(end) || Number(begin) > Number(end)) return undefined;
  const width = begin.startsWith('0') && begin.length > 1 ? begin.length : 0;
  if (width > 0 && end.length !== width) return undefined;
  const count = Math.min(Math.floor((Number(end) - Number(begin)) / step) + 1, 10_001);
  return Array.from({ length: count }, (_, i) => String(Number(begin) + i * step).padStart(width, '0'));
}

function letters(begin: string, end: string, step: number): string[] | undefined {
  const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const from = alphabet.indexOf(begin);
  const to = alphabet.indexOf(end);
  if (begin.length !== 1 || from < 0 || to < from) return undefined;
  return Array.from(alphabet.slice(from, to + 1)).filter((_, i) => i % step === 0);
}
