import { LvsPlayError, throwCollected } from '../../core/errors.ts';
import type { DataPath, Located } from '../../core/located.ts';

/** What is wrong at a place of the variable `lvs`. */
export interface Problem {
  /** Rule, kebab-case. */
  readonly code: string;
  readonly message: string;
  readonly path: DataPath;
  /** Whether the key or the value there is at fault. Default `value`. */
  readonly of?: 'key' | 'value';
  /** The way out and, where the rule is not obvious, its source. */
  readonly hint: string;
}

/** Collects everything wrong with the variable, so that it is mended in one go. */
export class Problems {
  readonly #lvs: Located;
  readonly #errors: LvsPlayError[] = [];

  constructor(lvs: Located) {
    this.#lvs = lvs;
  }

  add(problem: Problem): void {
    this.#errors.push(
      new LvsPlayError({
        code: problem.code,
        kind: 'input',
        message: problem.message,
        position: this.#lvs.locate(problem.path, problem.of ?? 'value'),
        hint: problem.hint,
      }),
    );
  }

  /** @throws LvsPlayError or InputErrors, in the order of the file, when anything was added */
  throwAll(): void {
    const place = (error: LvsPlayError): number => (error.position?.line ?? 0) * 1_000_000 + (error.position?.column ?? 0);
    throwCollected([...this.#errors].sort((a, b) => place(a) - place(b)));
  }
}

/** " Did you mean X?" when something near is known, else nothing. */
export function didYouMean(near: string | undefined): string {
  return near === undefined ? '' : `did you mean ${near}? `;
}
