/**
 * Masks secrets in anything that leaves the process. A value registered here never reaches a terminal, log, diff, journal
 * or error text through a caller that uses `mask`, in plain or base64 form.
 */
export class SecretMask {
  readonly #secrets = new Set<string>();

  /** Values shorter than 4 characters are kept out: masking `1` would destroy every message without protecting anything. */
  add(secret: string): void {
    for (const part of [secret, ...secret.split('\n')]) {
      if (part.length < 4) continue;
      this.#secrets.add(part);
      this.#secrets.add(Buffer.from(part).toString('base64'));
    }
  }

  mask(text: string): string {
    let masked = text;
    // Longest first, so that a secret that contains another one is replaced whole.
    for (const secret of [...this.#secrets].sort((a, b) => b.length - a.length)) masked = masked.replaceAll(secret, '********');
    return masked;
  }
}
