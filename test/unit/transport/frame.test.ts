import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameScanner, lastLine, newNonce } from '../../../src/transport/frame.ts';

describe('FrameScanner', () => {
  it('finds any body in any cut of the stream, past any noise', () => {
    const part = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
    const nonces = [newNonce(), newNonce(), newNonce()];
    fc.assert(
      fc.property(fc.array(fc.tuple(part, part, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 }), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (frames, cuts) => {
        const stream = Buffer.concat(frames.flatMap(([noise, body, status], index) => [noise, Buffer.from(`${nonces[index] ?? ''} begin\n`), body, Buffer.from(`${nonces[index] ?? ''} end ${String(status)}\n`)]));
        const scanner = new FrameScanner();
        const found: [Buffer, number][] = [];
        const expectNext = (): void => {
          const nonce = nonces[found.length];
          if (nonce === undefined) return;
          scanner.expect(nonce, (body, status) => {
            found.push([body, status]);
            expectNext();
          });
        };
        expectNext();
        for (let at = 0, cut = 0; at < stream.length; cut++) {
          const length = cuts[cut % cuts.length] ?? 1;
          scanner.push(stream.subarray(at, at + length));
          at += length;
        }
        expect(found).toEqual(frames.map(([, body, status]) => [body, status]));
      }),
    );
  });

  it('keeps the last of the noise', () => {
    const scanner = new FrameScanner();
    scanner.push(Buffer.from('x'.repeat(10_000)));
    scanner.push(Buffer.from('end'));
    expect(scanner.noise).toHaveLength(4096);
    expect(scanner.noise.endsWith('xend')).toBe(true);
    expect(scanner.started).toBe(false);
  });

  it('tells what an unfinished frame wrote', () => {
    const scanner = new FrameScanner();
    scanner.expect('n', () => undefined);
    scanner.push(Buffer.from('banner\nn begin\nlast words'));
    expect(scanner.noise).toBe('banner\nlast words');
    expect(scanner.started).toBe(true);
  });
});

describe('lastLine', () => {
  it.each([
    ['', undefined],
    ['\n \n', undefined],
    ['a\nb\n', 'b'],
    ['a\r\nb\r\n\r\n', 'b'],
    ['\x1b[31mred\x1b[0m\x07', 'red'],
    ['y'.repeat(300), `${'y'.repeat(200)}...`],
  ])('%j', (noise, line) => {
    expect(lastLine(noise)).toBe(line);
  });
});
