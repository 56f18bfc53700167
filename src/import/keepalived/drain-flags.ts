import type { ConfNode } from '../../lvs/keepalived/conf/tree.ts';
import { flagNamed } from '../../lvs/drain/flags.ts';

/** A keepalived.conf without what lvs-play puts in to drain by flag files, and what that was. */
export interface Unflagged {
  readonly nodes: readonly ConfNode[];
  /** The files of flags; empty where drains are not done so. */
  readonly flags: readonly ConfNode[];
}

/**
 * Takes out the flag files, the checks of them, and `inhibit_on_failure` beside such a check, which lvs-play writes with it. Whether a real server was to stay in
 * the table for another reason too cannot be told from the file. Pure.
 */
export function withoutFlags(nodes: readonly ConfNode[]): Unflagged {
  const flags = nodes.filter((node) => isFlagFile(node));
  return flags.length === 0 ? { nodes, flags } : { nodes: nodes.filter((node) => !isFlagFile(node)).map(withoutFlagChecks), flags };
}

function withoutFlagChecks(node: ConfNode): ConfNode {
  if (node.words[0] !== 'virtual_server' || node.body === undefined) return node;
  return { ...node, body: node.body.map((inner) => (inner.words[0] === 'real_server' ? unflagged(inner) : inner)) };
}

function unflagged(server: ConfNode): ConfNode {
  const body = server.body ?? [];
  if (!body.some(isFlagCheck)) return server;
  return { ...server, body: body.filter((node) => !isFlagCheck(node) && node.words[0] !== 'inhibit_on_failure') };
}

function isFlagFile({ words: [keyword = '', name = ''] }: ConfNode): boolean {
  return (keyword === 'track_file' || keyword === 'vrrp_track_file') && flagNamed(name) !== undefined;
}

function isFlagCheck({ words: [keyword], body = [] }: ConfNode): boolean {
  return keyword === 'FILE_CHECK' && body.some(({ words: [key, name = ''] }) => key === 'track_file' && flagNamed(name) !== undefined);
}
