import type { JsonObject } from '../../core/json.ts';
import type { ConfNode } from '../../lvs/keepalived/conf/tree.ts';
import type { Note } from '../types.ts';
import { Block } from './block.ts';
import { given, notifyOf, trackOf } from './values.ts';

/** `vrrp_sync_group`. */
export function readSyncGroup(node: ConfNode, user: string | undefined, notes: Note[]): JsonObject {
  const block = new Block(node.body ?? [], node.text, notes);
  const pairs = block.all('group').flatMap(({ body, words }) => [...words.slice(1), ...(body ?? []).flatMap((one) => one.words)]);
  const value = given({ pairs, track: trackOf(block), notify: notifyOf(block, user) });
  block.end();
  return value;
}
