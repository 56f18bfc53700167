import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineFact, type FactRequest, request } from '../../../src/facts/contract.ts';
import { gatherScript, parseGather } from '../../../src/facts/gather.ts';
import { shellQuote } from '../../../src/core/text/quote.ts';

const NONCE = '0123456789abcdef';

/** Prints its keys, one a line. */
const echo = defineFact<string>({
  name: 'echo',
  summary: 'keys',
  script: (keys) => keys.map((key) => `printf '%s\\n' ${shellQuote(key)}`).join('\n'),
  parse: (output, keys) => new Map(keys.map((key, index) => [key, output.toString('utf8').split('\n')[index] ?? ''])),
});
/** Prints any bytes: base64 of them is its key. */
const bytes = defineFact<string>({
  name: 'bytes',
  summary: 'bytes',
  script: (keys) => keys.map((key) => `echo ${shellQuote(key)} | base64 -d`).join('\n'),
  parse: (output, keys) => new Map(keys.map((key) => [key, output.toString('base64')])),
});
const rude = defineFact<string>({ name: 'rude', summary: 'leaves early', script: () => 'cd /; set -e; keys=x; exit 7', parse: () => new Map() });
const quiet = defineFact<null>({ name: 'quiet', summary: 'prints nothing', script: () => ':', parse: (_output, keys) => new Map(keys.map((key) => [key, null])) });

const SHELLS = [
  ['dash', []],
  ['busybox', ['sh']],
] as const;

function run(program: string, args: readonly string[], requests: readonly FactRequest[]): Buffer {
  return execFileSync(program, [...args, '-c', gatherScript(requests, NONCE)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

describe.each(SHELLS)('a script under %s', (program, args) => {
  it('answers all facts, each key once, sorted', () => {
    const requests = [request(echo, 'b'), request(quiet, 'x'), request(echo, 'a'), request(echo, 'b')];
    const output = run(program, args, requests);
    expect(output.toString()).toBe(`a\nb\n\n${NONCE} echo 0\n\n${NONCE} quiet 0\n`);
    const reader = parseGather(output, requests, NONCE).reader(requests);
    expect([reader.get(echo, 'a'), reader.get(echo, 'b'), reader.get(quiet, 'x')]).toEqual(['a', 'b', null]);
  });

  it('says which fact could not be asked, and asks the others all the same', () => {
    const requests = [request(rude, 'x'), request(echo, 'after')];
    const output = run(program, args, requests);
    expect(output.toString()).toContain('after\n');
    expect(() => parseGather(output, requests, NONCE)).toThrow('rude could not be asked: exit code 7');
  });

  it('keeps bytes as they are, also those that look like the end of a section', () => {
    const odd = Buffer.concat([Buffer.from([0, 255, 10, 13, 10]), Buffer.from(`\n${NONCE.slice(1)} bytes 0\n`), Buffer.from('no newline at the end')]);
    const requests = [request(bytes, odd.toString('base64')), request(echo, 'next')];
    const reader = parseGather(run(program, args, requests), requests, NONCE).reader(requests);
    expect(reader.get(bytes, odd.toString('base64'))).toBe(odd.toString('base64'));
    expect(reader.get(echo, 'next')).toBe('next');
  });
});

describe('parsing', () => {
  it('reads any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (content) => {
        const requests = [request(bytes, 'k'), request(quiet, 'x')];
        const output = Buffer.concat([content, Buffer.from(`\n${NONCE} bytes 0\n\n${NONCE} quiet 0\n`)]);
        expect(parseGather(output, requests, NONCE).reader(requests).get(bytes, 'k')).toBe(Buffer.from(content).toString('base64'));
      }),
    );
  });

  it('refuses an answer that was cut off anywhere', () => {
    const requests = [request(echo, 'a'), request(quiet, 'x')];
    const whole = Buffer.from(`a\n\n${NONCE} echo 0\n\n${NONCE} quiet 0\n`);
    for (let length = 0; length < whole.length; length++) expect(() => parseGather(whole.subarray(0, length), requests, NONCE)).toThrow(/is incomplete/);
  });

  it('asks nothing when there is nothing to ask', () => {
    expect(gatherScript([], NONCE)).toBe('');
    expect(parseGather(Buffer.alloc(0), [], NONCE).missing([request(echo, 'a')])).toHaveLength(1);
  });
});
