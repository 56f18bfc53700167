import { atLeast, type KeepalivedVersion } from '../version.ts';
import type { BfdInstance, Topology, TrackItem, TrackUse } from '../../model/topology.ts';
import { type Block, flag, option, section } from './block.ts';
import { command, quoted, word } from './text.ts';
import type { Used } from './used.ts';

/** Definitions of what is tracked or checked on one director: before their use, as keepalived looks a name up when it reads it. */
export function trackerBlocks(topology: Topology, used: Used, version: KeepalivedVersion): Block {
  const { trackers, bfd } = topology;
  const file = atLeast(version, '2.1.0') ? 'track_file' : 'vrrp_track_file';
  return [
    ...named(bfd, used.bfd).map((session) => ({ head: `bfd_instance ${session.name}`, body: bfdInstance(session) })),
    // keepalived's own default weight of files and processes is 1, ours is FAULT.
    ...named(trackers.files, used.files).map((one) => ({ head: `${file} ${one.name}`, body: [`file ${quoted(one.file)}`, `weight ${String(one.weight ?? 0)}`] })),
    ...named(trackers.processes, used.processes).map((one) => ({
      head: `vrrp_track_process ${one.name}`,
      body: [`process ${quoted(one.process)}`, `weight ${String(one.weight ?? 0)}`, `quorum ${String(one.quorum)}`],
    })),
    // One that nothing uses is an error for keepalived.
    ...named(trackers.scripts, used.scripts).map((one) => ({
      head: `vrrp_script ${one.name}`,
      body: [
        `script ${command(one.command)}`,
        ...option('user', one.command.user === undefined ? undefined : word(one.command.user)),
        `interval ${String(one.interval)}`,
        ...option('timeout', one.timeout),
        ...option('weight', one.weight),
        `fall ${String(one.fall)}`,
        `rise ${String(one.rise)}`,
      ],
    })),
  ];
}

/**
 * What an instance or group tracks.
 * @param grouped within a sync group, where keepalived takes no weights: a failure means FAULT even where the definition has a weight
 * @param watched interfaces that are tracked without it: an instance's own always is, and keepalived refuses to have one in a group and in its members
 */
export function trackBlocks(track: TrackUse, topology: Topology, grouped: boolean, watched: readonly string[]): Block {
  const item = ({ name, weight }: TrackItem, own?: number): string => {
    const wanted = grouped && (weight ?? own ?? 0) !== 0 ? 0 : weight;
    return wanted === undefined ? name : `${name} weight ${String(wanted)}`;
  };
  const { scripts, files, processes } = topology.trackers;
  const interfaces = track.interfaces.filter(({ name }) => !watched.includes(name));
  return [
    ...section('track_interface', interfaces.map((one) => item(one))),
    ...section('track_script', track.scripts.map((one) => item(one, scripts.get(one.name)?.weight))),
    ...section('track_file', track.files.map((one) => item(one, files.get(one.name)?.weight))),
    ...section('track_process', track.processes.map((one) => item(one, processes.get(one.name)?.weight))),
    ...section('track_bfd', track.bfd.map((one) => item(one))),
  ];
}

function bfdInstance(session: BfdInstance): Block {
  return [
    ...option('source_ip', session.source),
    `neighbor_ip ${session.neighbor}`,
    ...option('min_rx', session.minRx),
    ...option('min_tx', session.minTx),
    ...option('idle_tx', session.idleTx),
    ...option('multiplier', session.multiplier),
    ...flag('passive', session.passive),
  ];
}

function named<T>(all: ReadonlyMap<string, T>, names: ReadonlySet<string>): T[] {
  return [...all].flatMap(([name, one]) => (names.has(name) ? [one] : []));
}
