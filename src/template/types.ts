import type { Json, JsonObject } from '../core/json.ts';
import type { Position } from '../core/errors.ts';

/** Jinja with strict undefined. Pure: no files, no network, no controller code reachable from a template. */
export interface TemplateEngine {
  /**
   * Renders every string in a value. A string that is exactly one `{{ expression }}` keeps the expression's type.
   * Variables' own values may hold Jinja and are rendered when used (lazily, cycles are an error).
   * @throws LvsPlayError code `undefined-variable` | `template-syntax` | `template-error`, at `where`
   */
  renderValue(value: Json, vars: JsonObject, where?: (path: readonly (string | number)[]) => Position | undefined): Json;
  /** A whole template file (trim_blocks on, keep_trailing_newline as Ansible's template module). Errors carry file and line. */
  renderText(text: string, vars: JsonObject, file: string): string;
  /** A bare expression as in `when:`. */
  evaluate(expression: string, vars: JsonObject, where?: Position): Json;
  /** Top-level variable names that a value's templates read, through the variables they refer to; for "what does it depend on". */
  references(value: Json, vars: JsonObject): ReadonlySet<string>;
  /** The same for a bare expression. */
  expressionReferences(expression: string, vars: JsonObject): ReadonlySet<string>;
}
