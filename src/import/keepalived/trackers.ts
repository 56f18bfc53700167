import type { JsonObject } from '../../core/json.ts';
import type { ConfNode } from '../../lvs/keepalived/conf/tree.ts';
import type { Note } from '../types.ts';
import { Block } from './block.ts';
import { given, scriptWords } from './values.ts';

/** `vrrp_script`. */
export function readTrackScript(node: ConfNode, notes: Note[]): JsonObject {
  const block = new Block(node.body ?? [], node.text, notes);
  const argv = scriptWords(block, block.node('script'));
  const own = block.text('user')?.split(' ')[0];
  const value = given({
    command: argv === undefined ? undefined : [...argv],
    user: own,
    interval: block.number('interval') ?? 1,
    timeout: block.number('timeout'),
    weight: nonzero(block.number('weight')),
    fall: block.number('fall') ?? 1,
    rise: block.number('rise') ?? 1,
  });
  block.end();
  return value;
}

/** `track_file`. keepalived's default weight is 1; none, which means FAULT, is 0 there. */
export function readTrackFile(node: ConfNode, notes: Note[]): JsonObject {
  const block = new Block(node.body ?? [], node.text, notes);
  const value = given({ file: block.text('file'), weight: nonzero(block.number('weight') ?? 1) });
  block.end();
  return value;
}

/** `vrrp_track_process`. */
export function readTrackProcess(node: ConfNode, notes: Note[]): JsonObject {
  const block = new Block(node.body ?? [], node.text, notes);
  const value = given({ process: block.text('process'), weight: nonzero(block.number('weight') ?? 1), quorum: block.number('quorum') });
  block.end();
  return value;
}

/** `bfd_instance`. */
export function readBfd(node: ConfNode, notes: Note[]): JsonObject {
  const block = new Block(node.body ?? [], node.text, notes);
  const value = given({
    neighbor: block.text('neighbor_ip'),
    source: block.text('source_ip'),
    min_rx: block.number('min_rx'),
    min_tx: block.number('min_tx'),
    idle_tx: block.number('idle_tx'),
    multiplier: block.number('multiplier'),
    passive: block.flag('passive') ? true : undefined,
  });
  block.end();
  return value;
}

function nonzero(weight: number | undefined): number | undefined {
  return weight === 0 ? undefined : weight;
}
