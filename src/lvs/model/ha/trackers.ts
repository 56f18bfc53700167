import type { DataPath } from '../../../core/located.ts';
import { suggest } from '../../../core/text/suggest.ts';
import type { Commands } from '../commands.ts';
import { didYouMean, type Problems } from '../problems.ts';
import { INTERFACE_NAME } from '../schema/common.ts';
import type { RawTrack, ShapedLvs } from '../schema/shape.ts';
import type { Trackers, TrackItem, TrackUse } from '../topology.ts';

export function buildTrackers(shaped: ShapedLvs, commands: Commands, problems: Problems): Trackers {
  for (const section of ['track_scripts', 'track_files', 'track_processes'] as const) {
    const entries = { track_scripts: shaped.trackScripts, track_files: shaped.trackFiles, track_processes: shaped.trackProcesses }[section];
    for (const name of entries.keys()) checkName(name, [section, name], problems);
  }
  return {
    scripts: new Map(
      [...shaped.trackScripts].map(([name, raw]) => {
        const command = commands.parse(raw.command, ['track_scripts', name, 'command'], raw.user) ?? { argv: [], user: raw.user };
        return [name, { name, command, interval: raw.interval ?? 1, timeout: raw.timeout, weight: raw.weight, fall: raw.fall ?? 1, rise: raw.rise ?? 1 }];
      }),
    ),
    files: new Map([...shaped.trackFiles].map(([name, raw]) => [name, { name, file: raw.file, weight: raw.weight }])),
    processes: new Map([...shaped.trackProcesses].map(([name, raw]) => [name, { name, process: raw.process, weight: raw.weight, quorum: raw.quorum ?? 1 }])),
  };
}

/** What a pair or sync group tracks; every name must be defined. */
export function buildTrackUse(raw: RawTrack | undefined, path: DataPath, shaped: ShapedLvs, problems: Problems): TrackUse {
  const use = (kind: keyof RawTrack, section: string | undefined, known: Iterable<string>): TrackItem[] =>
    (raw?.[kind] ?? []).map((item, index) => {
      const name = typeof item === 'string' ? item : item.name;
      const at = [...path, kind, index];
      if (section === undefined && !new RegExp(INTERFACE_NAME).test(name)) {
        problems.add({ code: 'bad-interface', message: `${name} is no interface name`, path: at, hint: 'at most 15 letters, digits, _ . and -, as ip link shows it' });
      }
      if (section !== undefined && !shaped.isWritten(section, name)) {
        problems.add({ code: 'unknown-tracker', message: `${name} is not defined in lvs.${section}`, path: at, hint: `${didYouMean(suggest(name, known))}define it there` });
      }
      if ((raw?.[kind] ?? []).slice(0, index).some((other) => (typeof other === 'string' ? other : other.name) === name)) {
        problems.add({ code: 'tracked-twice', message: `${name} is tracked twice`, path: at, hint: 'remove one: keepalived takes the first' });
      }
      return { name, weight: typeof item === 'string' ? undefined : item.weight };
    });
  return {
    interfaces: use('interfaces', undefined, []),
    scripts: use('scripts', 'track_scripts', shaped.trackScripts.keys()),
    files: use('files', 'track_files', shaped.trackFiles.keys()),
    processes: use('processes', 'track_processes', shaped.trackProcesses.keys()),
    bfd: use('bfd', 'bfd', shaped.bfd.keys()),
  };
}

/** Names that stand in keepalived.conf as they are. */
export function checkName(name: string, path: DataPath, problems: Problems): void {
  // A line of its own in track and group blocks, where include would be the directive.
  if (/^[A-Za-z0-9_.-]+$/.test(name) && name !== 'include') return;
  problems.add({ code: 'bad-name', message: `${name} cannot be a name here`, path, of: 'key', hint: 'use letters, digits, _ . and -, and not include: it is written to keepalived.conf' });
}
