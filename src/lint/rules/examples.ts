/**
 * Stands in an example before the key or value that the finding points at, in each place where it fires. No reader sees it: `withoutMarks` takes it
 * away, and the tests compare its places with those of the findings.
 */
export const MARK = '§';

/** An example as it is read and shown. */
export function withoutMarks(example: string): string {
  return example.replaceAll(MARK, '');
}

/** An HA pair as the examples of rules have it. */
export const PAIR = pair();

/** The examples' one HA pair, with keys of its own. Each is a line; a key that is there already is replaced. */
export function pair(...keys: readonly string[]): string {
  return `ha_pairs:\n${pairNamed('edge', ...keys)}`;
}

/** The same below `ha_pairs:`, under another name. */
export function pairNamed(name: string, ...keys: readonly string[]): string {
  const lines = withKeys(['members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }', 'interface: eth0', 'virtual_router_id: 77', 'vips: [192.168.0.38]'], keys);
  return `  ${name}:\n${lines.map((line) => `    ${line}\n`).join('')}`;
}

/** The examples' one service, with keys of its own. Each is a line; a key that is there already is replaced, and left out when nothing follows it. */
export function service(...keys: readonly string[]): string {
  return `virtual_services:\n${serviceNamed('web', ...keys)}`;
}

/** The same below `virtual_services:`, under another name. */
export function serviceNamed(name: string, ...keys: readonly string[]): string {
  const lines = withKeys(['on: edge', 'address: 192.168.0.38:80', 'mode: dr', 'scheduler: wlc', 'health_check: { type: http }'], keys);
  return `  ${name}:\n${lines.map((line) => `    ${line}\n`).join('')}    real_servers:\n      rs1: { weight: 1 }\n      rs2: { weight: 1 }\n`;
}

function withKeys(lines: readonly string[], keys: readonly string[]): readonly string[] {
  const result = [...lines];
  for (const key of keys) {
    const name = withoutMarks(key.split(':')[0] ?? '');
    const known = result.findIndex((line) => line.startsWith(`${name}:`));
    if (known >= 0) result[known] = key;
    else result.push(key);
  }
  return result.filter((line) => !/^\w+:$/.test(line));
}
