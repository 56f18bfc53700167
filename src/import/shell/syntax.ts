import type { Position } from '../../core/errors.ts';

/** A script as far as it can be read without running it. */
export type Statement =
  | {
      readonly type: 'command';
      readonly position: Position;
      readonly assignments: readonly { readonly name: string; readonly value: Word }[];
      readonly words: readonly Word[];
      readonly redirects: readonly { readonly operator: string; readonly target: Word }[];
      /** The command whose output it reads, when it stands behind a pipe. */
      readonly input: Statement | undefined;
      /** As written, for reports. */
      readonly text: string;
    }
  | { readonly type: 'for'; readonly position: Position; readonly name: string; readonly words: readonly Word[]; readonly body: readonly Statement[] }
  | { readonly type: 'case'; readonly position: Position; readonly subject: Word; readonly branches: readonly { readonly patterns: readonly Word[]; readonly body: readonly Statement[] }[]; readonly text: string }
  | { readonly type: 'function'; readonly position: Position; readonly name: string; readonly body: readonly Statement[] }
  /** Runs only under a condition: `if`, `while`, `a || b`, `[ x ] && y`. */
  | { readonly type: 'conditional'; readonly position: Position; readonly condition: string; readonly body: readonly Statement[] };

/** One word before expansion. */
export interface Word {
  readonly parts: readonly WordPart[];
  /** As written. */
  readonly text: string;
}
export type WordPart =
  | { readonly type: 'text'; readonly text: string; readonly quoted: boolean }
  /** `fallback`: of `${NAME:-fallback}`. */
  | { readonly type: 'variable'; readonly name: string; readonly quoted: boolean; readonly fallback: string | undefined }
  /** `$(...)`, backquotes, `$((...))` and expansions of other kinds. */
  | { readonly type: 'opaque'; readonly text: string };

export type Token = ({ readonly type: 'word'; readonly word: Word } | { readonly type: 'operator'; readonly text: string } | { readonly type: 'newline' }) & {
  /** Offsets in the text. */
  readonly start: number;
  readonly end: number;
};
