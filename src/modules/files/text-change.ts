import { createHash } from 'node:crypto';
import { type ContentState, contentOf } from '../../facts/files/content.ts';
import type { Change } from '../contract.ts';

/** The change of a file's content, or none: `before` and `after` are short checksums, whole texts go along for a diff. */
export function contentChange(path: string, before: ContentState, after: Uint8Array, more: Pick<Change, 'impact' | 'sensitive'> = {}): Change[] {
  const sha256 = createHash('sha256').update(after).digest('hex');
  if (before.state === 'file' && before.sha256 === sha256) return [];
  const text = Buffer.from(after).toString('utf8');
  const bothTexts = before.state !== 'file' || before.text !== undefined;
  const isText = contentOf(after).text !== undefined;
  return [
    {
      path,
      before: before.state === 'file' ? shortSum(before.sha256) : null,
      after: shortSum(sha256),
      ...(bothTexts && isText ? { text: { before: before.text ?? '', after: text } } : {}),
      ...more,
    },
  ];
}

function shortSum(sha256: string): string {
  return `sha256:${sha256.slice(0, 12)}`;
}
