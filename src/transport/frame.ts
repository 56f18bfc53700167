import { randomBytes } from 'node:crypto';
import { shellQuote } from '../core/text/quote.ts';

/**
 * The wire format of the shell channel. A frame is one script and its answer on both output streams:
 *
 *     NONCE begin\n  <bytes the script wrote>  NONCE end STATUS\n
 *
 * What comes before `begin` is noise (rc files, banners, a background job of an earlier script) and never reaches a reply.
 * The nonce is fresh for each frame and known only to the long-lived shell, so no output can end a frame by chance.
 */

/** The first words a long-lived shell is told; once, together with the first frame. */
export const SHELL_INIT = [
  'LC_ALL=C; PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin; export LC_ALL PATH; umask 022',
  'lvsplay_mark() { echo "$1"; echo "$1" >&2; }',
  '',
].join('\n');

export function newNonce(): string {
  return `lvsplay-${randomBytes(16).toString('hex')}`;
}

/**
 * The text of one frame. The script is one quoted word for `eval` in a subshell, so whatever is wrong with it (unbalanced
 * quotes, `exit`, `exec`) ends the subshell and not the shell that reads frames. The blank in front keeps bash from
 * taking a script that starts with `-` as an option of eval; the variable keeps it from printing the whole script when a
 * signal kills the subshell.
 * @throws RangeError when the script holds a NUL byte
 */
export function frameText(nonce: string, script: string): string {
  return [`lvsplay_mark '${nonce} begin'`, `lvsplay_script=${shellQuote(` ${script}`)}`, '( eval "$lvsplay_script" ) </dev/null', `lvsplay_mark "${nonce} end $?"`, ''].join('\n');
}

const NOISE_KEPT = 4096;
const NOTHING = Buffer.alloc(0);

/** Finds frames in one output stream, however the bytes are cut into chunks. */
export class FrameScanner {
  #phase: 'idle' | 'before' | 'inside' = 'idle';
  #started = false;
  #begin: Buffer = NOTHING;
  #end: Buffer = NOTHING;
  #pending: Buffer = NOTHING;
  #noise: Buffer = NOTHING;
  #body: Buffer[] = [];
  #done: ((body: Buffer, status: number) => void) | undefined;

  /** Waits for the frame of `nonce`; `done` gets what the script wrote and its exit status. */
  expect(nonce: string, done: (body: Buffer, status: number) => void): void {
    this.#begin = Buffer.from(`${nonce} begin\n`);
    this.#end = Buffer.from(`${nonce} end `);
    this.#done = done;
    this.#body = [];
    this.#phase = 'before';
    this.push(NOTHING);
  }

  /** A frame has begun: the shell is there. */
  get started(): boolean {
    return this.#started;
  }

  /** The last bytes outside of any frame: what a shell says that does not start. */
  get noise(): string {
    return Buffer.concat([this.#noise, this.#phase === 'inside' ? Buffer.concat(this.#body).subarray(-NOISE_KEPT) : NOTHING, this.#pending]).toString('utf8');
  }

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    if (this.#phase === 'before') this.#findBegin();
    if (this.#phase === 'inside') this.#findEnd();
    if (this.#phase === 'idle') this.#keepNoise(this.#pending.length);
  }

  #findBegin(): void {
    const at = this.#pending.indexOf(this.#begin);
    if (at < 0) {
      this.#keepNoise(this.#pending.length - this.#begin.length + 1);
      return;
    }
    this.#keepNoise(at);
    this.#pending = this.#pending.subarray(this.#begin.length);
    this.#phase = 'inside';
    this.#started = true;
  }

  #findEnd(): void {
    const at = this.#pending.indexOf(this.#end);
    if (at < 0) {
      this.#keepBody(this.#pending.length - this.#end.length + 1);
      return;
    }
    const lineEnd = this.#pending.indexOf(0x0a, at + this.#end.length);
    if (lineEnd < 0) return;
    const status = Number(this.#pending.toString('latin1', at + this.#end.length, lineEnd));
    this.#keepBody(at);
    this.#pending = this.#pending.subarray(lineEnd + 1 - at);
    const body = Buffer.concat(this.#body);
    this.#body = [];
    this.#phase = 'idle';
    this.#done?.(body, status);
  }

  #keepBody(length: number): void {
    if (length <= 0) return;
    this.#body.push(this.#pending.subarray(0, length));
    this.#pending = this.#pending.subarray(length);
  }

  #keepNoise(length: number): void {
    if (length <= 0) return;
    this.#noise = Buffer.concat([this.#noise, this.#pending.subarray(0, length)]).subarray(-NOISE_KEPT);
    this.#pending = this.#pending.subarray(length);
  }
}

/** The last line of a shell's noise that says something, for an error text: printable, at most 200 characters. */
export function lastLine(noise: string): string | undefined {
   
  const lines = noise.split('\n').map((line) => line.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replace(/[\x00-\x1f\x7f]/g, '').trim());
  const line = lines.filter((text) => text !== '').at(-1);
  return line === undefined || line.length <= 200 ? line : `${line.slice(0, 200)}...`;
}
