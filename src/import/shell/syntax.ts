import type { Position } from '../../core/errors.ts';

/** A script as far as it can be read without running it. */
export type Statement =
  | SimpleCommand
  | { readonly type: 'for'; readonly position: Position; readonly name: string; /** Undefined: the arguments of the script or function. */ readonly words: readonly Word[] | undefined; readonly body: readonly Statement[] }
  | { readonly type: 'case'; readonly position: Position; readonly subject: Word; readonly branches: readonly { readonly patterns: readonly Word[]; readonly body: readonly Statement[] }[]; readonly text: string }
  | { readonly type: 'function'; readonly position: Position; readonly name: string; readonly body: readonly Statement[] }
  /** `if`, `a || b`, `[ x ] && y`. */
  | { readonly type: 'if'; readonly position: Position; readonly branches: readonly Branch[]; readonly otherwise: readonly Statement[] }
  /** `while` and `until`; `input`: what it reads, when that stands in the script. */
  | { readonly type: 'while'; readonly position: Position; readonly condition: string; readonly test: readonly Statement[]; readonly body: readonly Statement[]; readonly input: HereDocument | undefined };

export interface SimpleCommand {
  readonly type: 'command';
  readonly position: Position;
  readonly assignments: readonly Assignment[];
  readonly words: readonly Word[];
  readonly redirects: readonly { readonly operator: string; readonly target: Word; readonly document: HereDocument | undefined }[];
  /** The command whose output it reads, when it stands behind a pipe. */
  readonly input: Statement | undefined;
  /** As written, for reports. */
  readonly text: string;
}

export interface Assignment {
  readonly name: string;
  /** Several: an array of bash. */
  readonly values: readonly Word[];
  readonly array: boolean;
}

export interface Branch {
  /** As written, for reports. */
  readonly condition: string;
  readonly test: readonly Statement[];
  /** Taken when the test fails: `a || b`. */
  readonly negated: boolean;
  readonly body: readonly Statement[];
}

/** The text behind `<<EOF`. */
export interface HereDocument {
  readonly text: string;
  /** Where its first line begins. */
  readonly offset: number;
  /** Its variables are put in: the delimiter is not quoted. */
  readonly expands: boolean;
}

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
  /** `$@`, `$*` and `${NAME[@]}`: a field for each. `name`: `@` for the arguments. */
  | { readonly type: 'list'; readonly name: string }
  /** `${NAME[2]}`. */
  | { readonly type: 'element'; readonly name: string; readonly at: number }
  /** `$(...)`, backquotes, `$((...))` and expansions of other kinds. */
  | { readonly type: 'opaque'; readonly text: string };

export type Token = ({ readonly type: 'word'; readonly word: Word; readonly document?: HereDocument } | { readonly type: 'operator'; readonly text: string } | { readonly type: 'newline' }) & {
  /** Offsets in the text. */
  readonly start: number;
  readonly end: number;
};
