import { expect } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../src/core/errors.ts';
import { buildTopology, type HostAddress } from '../../../src/lvs/model/build.ts';
import type { Topology } from '../../../src/lvs/model/topology.ts';
import { parseYaml } from '../../../src/yaml/load.ts';

export const HOSTS: ReadonlyMap<string, HostAddress> = new Map(
  [
    ['lvs1', '192.168.0.48'],
    ['lvs2', '192.168.0.58'],
    ['lvs3', '10.1.0.3'],
    ['lvs4', '10.1.0.4'],
    ['rs1', '192.168.0.18'],
    ['rs2', '192.168.0.28'],
    ['rs6', '2001:db8::18'],
    ['named', 'named.example'],
  ].map(([host = '', address]) => [host, { host, address }]),
);

/** The article's cluster. */
export const EXAMPLE = `ha_pairs:
  edge:
    members:
      lvs1: { priority: 100 }
      lvs2: { priority: 90 }
    interface: eth0
    virtual_router_id: 51
    vips: [192.168.0.38]
virtual_services:
  web:
    on: edge
    address: 192.168.0.38:80
    mode: dr
    scheduler: rr
    real_servers:
      rs1: { weight: 1 }
      rs2: { weight: 1 }
`;

/** A director without VRRP; one service is filled by its script, the other by keepalived. */
export const SINGLE = `virtual_services:
  web:
    on: lvs1
    manager: script
    interface: eth0
    address: 192.168.0.38:80
    mode: dr
    scheduler: wrr
    real_servers:
      rs1: { weight: 1 }
      rs2: { weight: 3 }
  checked:
    on: lvs1
    interface: eth0
    address: 192.168.0.39:80
    mode: dr
    scheduler: rr
    real_servers: { rs1: , rs2: }
`;

export function topologyOf(text: string, hosts = HOSTS): Topology {
  return buildTopology(parseYaml(text, 'lvs.yml'), hosts);
}

/** What is wrong with it, in order; empty when nothing is. */
export function problemsOf(text: string, hosts = HOSTS): readonly LvsPlayError[] {
  try {
    topologyOf(text, hosts);
    return [];
  } catch (error) {
    if (error instanceof InputErrors) return error.errors;
    if (error instanceof LvsPlayError) return [error];
    throw error;
  }
}

/** Replaces one piece that must be there. */
export function changed(text: string, piece: string, replacement: string): string {
  if (!text.includes(piece)) throw new Error(`no ${piece} in the text`);
  return text.replace(piece, replacement);
}

/** Line and column, from 1, of a piece's first occurrence. */
export function placeOf(text: string, piece: string): { line: number; column: number } {
  const at = text.indexOf(piece);
  if (at < 0) throw new Error(`no ${piece} in the text`);
  const before = text.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

/** EXAMPLE with lines added to its HA pair. */
export function inPair(lines: string, text = EXAMPLE): string {
  return changed(text, '    interface: eth0\n', `    interface: eth0\n${indented(lines, 4)}`);
}

/** EXAMPLE with lines added to its service. */
export function inService(lines: string, text = EXAMPLE): string {
  return changed(text, '    on: edge\n', `    on: edge\n${indented(lines, 4)}`);
}

/** EXAMPLE with another section of the variable. */
export function withSection(name: string, lines: string, text = EXAMPLE): string {
  return `${name}:\n${indented(lines, 2)}${text}`;
}

/** EXAMPLE with another service. */
export function withService(name: string, lines: string, text = EXAMPLE): string {
  return `${text}  ${name}:\n${indented(lines, 4)}`;
}

function indented(lines: string, by: number): string {
  return lines
    .split('\n')
    .map((line) => `${' '.repeat(by)}${line}\n`)
    .join('');
}

/** A rule of the model: its code, the inventory text with § before the key or value at fault, and what the hint must say. */
export type BadExample = readonly [code: string, text: string, hint: RegExp];

/** That exactly one problem is found, with this code, at the §, with a way out. */
export function expectProblem([code, marked, hint]: BadExample, hosts = HOSTS): void {
  const text = marked.replace('§', '');
  const problems = problemsOf(text, hosts);
  expect(problems.map((error) => `${error.code}: ${error.message}`)).toEqual([expect.stringMatching(`^${code}: [^\n]+$`)]);
  const [error] = problems;
  expect(error?.kind).toBe('input');
  expect(error?.position).toEqual({ file: 'lvs.yml', ...placeOf(marked, '§') });
  expect(error?.hint).toMatch(hint);
}
