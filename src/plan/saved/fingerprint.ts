import { createHash, scrypt } from 'node:crypto';
import { canonicalJson, type Json } from '../../core/json.ts';

/** Memory 16 MiB and about 40 ms a guess: a password of a few letters is not found by trying all of them. */
const COST = { N: 16_384, r: 8, p: 1 } as const;

/**
 * Fingerprints of one plan, all with its salt. What may be a secret gets scrypt, all else SHA-256.
 */
export class Fingerprints {
  readonly #salt: string;
  readonly #slow = new Map<string, Promise<string>>();

  /** @param salt hexadecimal, of the plan */
  constructor(salt: string) {
    this.#salt = salt;
  }

  async of(value: Json, secret: boolean): Promise<string> {
    const text = canonicalJson(value);
    if (!secret) return `sha256:${createHash('sha256').update(this.#salt).update('\0').update(text).digest('hex')}`;
    const known = this.#slow.get(text) ?? this.#scrypt(text);
    this.#slow.set(text, known);
    return known;
  }

  /** Whether a fingerprint is that of a value; it says itself how it was made. */
  async matches(print: string, value: Json): Promise<boolean> {
    return (await this.of(value, print.startsWith('scrypt:'))) === print;
  }

  #scrypt(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      scrypt(text, this.#salt, 32, COST, (error, key) => {
        if (error === null) resolve(`scrypt:${key.toString('hex')}`);
        else reject(error);
      });
    });
  }
}
