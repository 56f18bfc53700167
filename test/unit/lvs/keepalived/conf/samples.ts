import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expand } from '../../../../../src/lvs/keepalived/conf/expand.ts';
import { parseLines } from '../../../../../src/lvs/keepalived/conf/lines.ts';
import { printLines } from '../../../../../src/lvs/keepalived/conf/print.ts';
import { type ConfNode, linesOf, treeOf } from '../../../../../src/lvs/keepalived/conf/tree.ts';

export const SAMPLES = path.join(import.meta.dirname, 'samples');
export const SAMPLE_NAMES: readonly string[] = readdirSync(SAMPLES).filter((name) => name.endsWith('.conf')).map((name) => name.replace(/\.conf$/, ''));
/** What keepalived's own check says of each; 0 for the others. */
export const REFUSED: Readonly<Record<string, number>> = { unknown: 5 };

export function readSample(name: string): string {
  return readFileSync(path.join(SAMPLES, `${name}.conf`), 'utf8');
}

/** The blocks of a sample, read on a host of that name. Includes are read from the folder of samples; keepalived is called without -i there. */
export function expandedSample(name: string, hostname: string): readonly ConfNode[] {
  const include = (pattern: string, from: string): { path: string; text: string }[] => {
    const folder = path.join(path.dirname(from), path.dirname(pattern));
    const glob = new RegExp(`^${path.basename(pattern).replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
    return readdirSync(folder).filter((file) => glob.test(file)).sort().map((file) => ({ path: path.join(folder, file), text: readFileSync(path.join(folder, file), 'utf8') }));
  };
  return treeOf(expand(parseLines(readSample(name), path.join(SAMPLES, `${name}.conf`)), { configId: hostname.split('.')[0] ?? '', include }));
}

/** Three texts of each sample: as written, printed from its lines, printed from its blocks with everything resolved. */
export function sampleVariants(name: string, hostname: string): Readonly<Record<string, string>> {
  const text = readSample(name);
  return {
    written: text,
    printed: printLines(parseLines(text, `${name}.conf`)),
    // Where keepalived itself cannot place a brace, there are no blocks.
    ...(name in REFUSED ? {} : { resolved: printLines(linesOf(expandedSample(name, hostname))) }),
  };
}
