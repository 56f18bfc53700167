import type { Json, JsonObject } from '../core/json.ts';
import type { Position } from '../core/errors.ts';

/** The variables an expression sees. */
export interface Scope {
  readonly vars: JsonObject;
  /**
   * Names whose values came from a machine (registered results): they are used as they are, never rendered, whatever braces
   * they hold. Default: none.
   */
  readonly raw?: ReadonlySet<string>;
}

export type Where = (path: readonly (string | number)[]) => Position | undefined;

/** Jinja with strict undefined. Pure: no files, no network, no controller code reachable from a template. */
export interface TemplateEngine {
  /**
   * Renders every string in a value. A string that is exactly one `{{ expression }}` keeps the expression's type.
   * Variables' own values may hold Jinja and are rendered when used (lazily, cycles are an error). A mapping's entry whose
   * value is `omit` disappears.
   * @throws LvsPlayError code `undefined-variable` | `template-syntax` | `template-error` | `template-cycle`, at `where`
   */
  renderValue(value: Json, scope: Scope, where?: Where): Json;
  /** A whole template file (trim_blocks on, keep_trailing_newline as Ansible's template module). Errors carry file and line. */
  renderText(text: string, scope: Scope, file: string): string;
  /** A bare expression as in `when:`. */
  evaluate(expression: string, scope: Scope, where?: Position): Json;
  /** Top-level variable names that a value's templates read, through the variables they refer to; for "what does it depend on". */
  references(value: Json, scope: Scope): ReadonlySet<string>;
  /** The same for a bare expression. */
  expressionReferences(expression: string, scope: Scope): ReadonlySet<string>;
}
