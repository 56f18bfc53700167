import { MARK } from '../../../src/lint/rules/examples.ts';
import { RULES } from '../../../src/lint/rules.ts';
import { checkTopology, withWaivers } from '../../../src/lint/run.ts';
import type { Finding } from '../../../src/lint/types.ts';
import { parseYaml } from '../../../src/yaml/load.ts';
import { HOSTS, topologyOf } from '../lvs/support.ts';

/** The hosts that the examples of rules may name. */
export const hosts = new Map([...HOSTS, ['rs3', { host: 'rs3', address: '192.168.0.29' }]]);

export function findingsIn(text: string): readonly Finding[] {
  const lvs = parseYaml(text, 'lvs.yml');
  return withWaivers(checkTopology({ topology: topologyOf(text, hosts), lvs }), lvs, RULES);
}

/** `line:column` of a finding, from 1. */
export function placeOfFinding({ position }: Pick<Finding, 'position'>): string {
  return position === undefined ? 'nowhere' : `${String(position.line)}:${String(position.column)}`;
}

/** `line:column` of each mark in an example, as if none of them stood there. */
export function markedPlaces(example: string): readonly string[] {
  return example.split('\n').flatMap((line, index) => {
    const pieces = line.split(MARK);
    return pieces.slice(0, -1).map((_piece, piece) => `${String(index + 1)}:${String(pieces.slice(0, piece + 1).join('').length + 1)}`);
  });
}
