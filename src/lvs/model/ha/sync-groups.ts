import type { Located } from '../../../core/located.ts';
import { suggest } from '../../../core/text/suggest.ts';
import type { Commands } from '../commands.ts';
import { didYouMean, type Problems } from '../problems.ts';
import type { ShapedLvs } from '../schema/shape.ts';
import type { HaPair, SyncGroup, TrackUse } from '../topology.ts';
import { buildTrackUse, checkName } from './trackers.ts';

/** Checks the sync groups (keepalived.conf(5), vrrp_sync_group): pairs that move together have the same members, and no weights. */
export function buildSyncGroups(shaped: ShapedLvs, pairs: ReadonlyMap<string, HaPair>, commands: Commands, lvs: Located, problems: Problems): ReadonlyMap<string, SyncGroup> {
  const groups = new Map<string, SyncGroup>();
  const taken = new Map<string, string>();
  for (const [name, raw] of shaped.syncGroups) {
    const path = ['sync_groups', name];
    checkName(name, path, problems);
    const members = raw.pairs.flatMap((pair, index) => {
      const at = [...path, 'pairs', index];
      const known = pairs.get(pair);
      if (known === undefined && !shaped.isWritten('ha_pairs', pair)) {
        problems.add({ code: 'unknown-pair', message: `${pair} of sync group ${name} is no HA pair`, path: at, hint: `${didYouMean(suggest(pair, pairs.keys()))}name a pair of lvs.ha_pairs` });
      }
      const other = taken.get(pair);
      if (other !== undefined) problems.add({ code: 'pair-in-two-groups', message: `HA pair ${pair} is in the sync groups ${other} and ${name}`, path: at, hint: 'a pair moves with one group: remove it from the other' });
      taken.set(pair, name);
      return known === undefined ? [] : [known];
    });
    if (new Set(raw.pairs).size < 2) problems.add({ code: 'sync-group-single', message: `sync group ${name} has fewer than two HA pairs`, path: [...path, 'pairs'], hint: 'name the pairs that move together, or put track and notify on the pair itself: keepalived refuses a group of one' });
    checkMembers(name, members, problems);
    const track = buildTrackUse(raw.track, [...path, 'track'], shaped, problems);
    checkWeights(name, track, [...path, 'track'], shaped, problems);
    for (const pair of members) checkWeights(name, pair.track, ['ha_pairs', pair.name, 'track'], shaped, problems);
    groups.set(name, { name, position: lvs.locate(path, 'key'), pairs: raw.pairs, track, notify: commands.notify(raw.notify, [...path, 'notify']) });
  }
  return groups;
}

function checkMembers(name: string, pairs: readonly HaPair[], problems: Problems): void {
  const [first, ...others] = pairs;
  if (first === undefined) return;
  const ranked = (pair: HaPair): string => pair.members.map(({ host }) => host).join(' ');
  for (const pair of others) {
    if ([...pair.members].map(({ host }) => host).sort().join(' ') !== [...first.members].map(({ host }) => host).sort().join(' ')) {
      problems.add({ code: 'sync-group-members', message: `HA pairs ${first.name} and ${pair.name} of sync group ${name} have different members`, path: ['ha_pairs', pair.name, 'members'], of: 'key', hint: 'pairs that move together are on the same directors' });
    } else if (ranked(pair) !== ranked(first)) {
      problems.add({ code: 'sync-group-order', message: `HA pairs ${first.name} and ${pair.name} of sync group ${name} prefer different directors`, path: ['ha_pairs', pair.name, 'members'], of: 'key', hint: 'give the same director the highest priority in each: a group moves as one' });
    }
  }
}

function checkWeights(group: string, track: TrackUse, path: readonly string[], shaped: ShapedLvs, problems: Problems): void {
  const defined = { scripts: shaped.trackScripts, files: shaped.trackFiles, processes: shaped.trackProcesses };
  for (const kind of ['interfaces', 'scripts', 'files', 'processes', 'bfd'] as const) {
    for (const [index, item] of track[kind].entries()) {
      const own = kind === 'interfaces' || kind === 'bfd' ? undefined : defined[kind].get(item.name)?.weight;
      if ((item.weight ?? own ?? 0) === 0) continue;
      const hint = item.weight === undefined ? `write { name: ${item.name}, weight: 0 } instead of the weight of its definition` : 'remove the weight';
      problems.add({ code: 'sync-group-weight', message: `the weight of ${item.name} has no effect in sync group ${group}`, path: [...path, kind, index], hint: `${hint}: a failure then means FAULT for the whole group; keepalived ignores weighted trackers there (keepalived.conf(5), vrrp_sync_group)` });
    }
  }
}
