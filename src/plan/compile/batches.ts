import { LvsPlayError, type Position } from '../../core/errors.ts';

/**
 * Splits hosts into the batches of `serial`, Ansible's way: sizes are used in turn and the last one repeats; a percentage is
 * of all hosts, at least 1; no size means one batch.
 */
export function splitBatches(hosts: readonly string[], serial: readonly (number | string)[], position?: Position): string[][] {
  if (hosts.length === 0) return [];
  const sizes = serial.map((size) => batchSize(size, hosts.length, position));
  if (sizes.length === 0) return [[...hosts]];
  const batches: string[][] = [];
  let start = 0;
  for (let i = 0; start < hosts.length; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)] ?? hosts.length;
    batches.push(hosts.slice(start, start + size));
    start += size;
  }
  return batches;
}

function batchSize(size: number | string, total: number, position: Position | undefined): number {
  const percentage = typeof size === 'string' ? /^(\d+(?:\.\d+)?)%$/.exec(size) : null;
  if (percentage) return Math.max(1, Math.floor((Number(percentage[1]) / 100) * total));
  const count = Number(size);
  if (Number.isInteger(count) && count >= 1) return count;
  if (count === 0) return total;
  throw new LvsPlayError({
    code: 'bad-serial',
    kind: 'input',
    message: `serial: ${String(size)} is neither a number of hosts nor a percentage`,
    position,
    hint: 'write serial: 1, serial: 30% or a list of these',
  });
}
