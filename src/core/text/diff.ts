import { createTwoFilesPatch } from 'diff';

/**
 * A unified diff with three lines of context, headed `--- before: PATH` and `+++ after: PATH`.
 * Empty when the texts are equal. A text without a newline at its end is marked as diff(1) marks it.
 */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return '';
  const patch = createTwoFilesPatch(`before: ${path}`, `after: ${path}`, before, after, undefined, undefined, { context: 3 });
  return patch.replace(/^=+\n/, '');
}
