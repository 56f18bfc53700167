import { LvsPlayError } from '../../core/errors.ts';

/** Members of a pair that have to do something at the same moment: each waits here until all have come, or one cannot. */
export class Meeting {
  readonly #members: ReadonlySet<string>;
  readonly #come = new Set<string>();
  #failure: LvsPlayError | undefined;
  #open: () => void = () => undefined;
  #refuse: (error: LvsPlayError) => void = () => undefined;
  readonly #met: Promise<void>;

  constructor(members: readonly string[]) {
    this.#members = new Set(members);
    this.#met = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#refuse = reject;
    });
    // Who comes sees the refusal; when nobody does, nobody has to.
    this.#met.catch(() => undefined);
  }

  /** @throws LvsPlayError when another member cannot come */
  arrive(host: string): Promise<void> {
    this.#come.add(host);
    if (this.#failure === undefined && [...this.#members].every((member) => this.#come.has(member))) this.#open();
    return this.#met;
  }

  /** A member's task has ended. One that never came keeps the others from going on. */
  leave(host: string): void {
    if (!this.#members.has(host) || this.#come.has(host)) return;
    this.#failure ??= new LvsPlayError({ code: 'pair-incomplete', kind: 'host', host, message: `${host} did not come so far, and both have to change at the same moment` });
    this.#refuse(this.#failure);
  }
}
