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
export const PAIR = `ha_pairs:
  edge:
    members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }
    interface: eth0
    virtual_router_id: 77
    vips: [192.168.0.38]
`;

/** The examples' one service, with keys of its own. Each is a line; a key that is there already is replaced. */
export function service(...keys: readonly string[]): string {
  const lines = ['on: edge', 'address: 192.168.0.38:80', 'mode: dr', 'scheduler: wlc', 'health_check: { type: http }'];
  for (const key of keys) {
    const name = withoutMarks(key.split(':')[0] ?? '');
    const known = lines.findIndex((line) => line.startsWith(`${name}:`));
    if (known >= 0) lines[known] = key;
    else lines.push(key);
  }
  return `virtual_services:\n  web:\n${lines.map((line) => `    ${line}\n`).join('')}    real_servers:\n      rs1: { weight: 1 }\n      rs2: { weight: 1 }\n`;
}
