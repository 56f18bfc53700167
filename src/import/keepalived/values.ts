import type { Json, JsonObject } from '../../core/json.ts';
import { splitWords } from '../../core/text/words.ts';
import type { ConfNode } from '../../lvs/keepalived/conf/tree.ts';
import { type Block, commandWords } from './block.ts';

/** A mapping without what is undefined. */
export function given(entries: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(entries).filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

/** `keyword "command words" [user]`: its argv, the user told where it is another than the scripts' own. */
export function commandOf(block: Block, node: ConfNode | undefined, user: string | undefined): Json | undefined {
  if (node === undefined) return undefined;
  const [, command = '', ...rest] = node.words;
  // Without quotes the words of the line are the command's.
  const quoted = /^\S+\s+["']/.test(node.text);
  const argv = quoted ? commandWords(command) : node.words.slice(1);
  const [owner] = quoted ? rest : [];
  if (argv?.[0]?.startsWith('/') !== true) {
    block.unread(node, 'the command has no absolute path');
    return undefined;
  }
  if (owner !== undefined && owner !== user) block.changed(node, `it runs as the user of all scripts (${user ?? 'script_user'}) instead of ${owner}`);
  return [...argv];
}

/** The notify scripts of an instance or a group; undefined for none. */
export function notifyOf(block: Block, user: string | undefined): JsonObject | undefined {
  const read = (keyword: string): Json | undefined => commandOf(block, block.node(keyword), user);
  const scripts = given({ master: read('notify_master'), backup: read('notify_backup'), fault: read('notify_fault'), stop: read('notify_stop'), any: read('notify') });
  return Object.keys(scripts).length === 0 ? undefined : scripts;
}

const TRACKS = [
  ['interfaces', 'track_interface'],
  ['scripts', 'track_script'],
  ['files', 'track_file'],
  ['processes', 'track_process'],
  ['bfd', 'track_bfd'],
] as const;

/** What is tracked; undefined for nothing. */
export function trackOf(block: Block): JsonObject | undefined {
  const found = TRACKS.flatMap(([key, keyword]): [string, Json][] => {
    const nodes = block.all(keyword).flatMap(({ body }) => body ?? []);
    const items = nodes.map((node): Json => {
      const [name = '', option, value, ...more] = node.words;
      const weighted = option === 'weight' && value !== undefined;
      // `reverse`, for one.
      if ((option !== undefined && !weighted) || more.length > 0) block.unread(node, 'only its name and weight are in the model');
      return weighted ? { name, weight: Number(value) } : name;
    });
    return items.length === 0 ? [] : [[key, items]];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** The argv of a script that a statement's rest holds, for `script` and `misc_path`. */
export function scriptWords(block: Block, node: ConfNode | undefined): readonly string[] | undefined {
  if (node === undefined) return undefined;
  const text = node.words.slice(1).join(' ');
  const argv = /^\S+\s+"/.test(node.text) ? commandWords(text) : splitWords(text);
  if (argv?.[0]?.startsWith('/') === true) return argv;
  block.unread(node, 'the command has no absolute path');
  return undefined;
}
