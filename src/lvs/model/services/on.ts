import type { DataPath } from '../../../core/located.ts';
import { suggest } from '../../../core/text/suggest.ts';
import { checkHost } from '../hosts.ts';
import { didYouMean } from '../problems.ts';
import type { ServiceContext } from '../context.ts';
import type { ShapedLvs } from '../schema/shape.ts';

/** The one director that `on` names, when it names no pair; empty when that is wrong. */
export function checkOn(on: string, subject: string, path: DataPath, shaped: ShapedLvs, { hosts, pairs, problems }: ServiceContext): string[] {
  // A pair that is there but wrong has its own error.
  if (shaped.isWritten('ha_pairs', on)) return [];
  if (!hosts.has(on)) {
    const known = [...pairs.keys(), ...hosts.keys()];
    const hint = `${didYouMean(suggest(on, known))}name ${pairs.size === 0 ? '' : `an HA pair (${[...pairs.keys()].join(', ')}) or `}a host of the inventory`;
    problems.add({ code: 'unknown-director', message: `${subject} is on ${on}, which is neither an HA pair nor a host`, path, hint });
    return [];
  }
  checkHost(on, hosts, path, 'director', problems, 'value');
  return [on];
}
