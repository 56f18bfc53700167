import { checksOf, type HaPair, type NotifyScripts, type ScriptCommand, type SyncGroup, type Topology, type TrackUse, type VirtualService } from '../../model/topology.ts';

/** What one director's keepalived.conf is about. */
export interface Used {
  readonly pairs: readonly HaPair[];
  readonly syncGroups: readonly SyncGroup[];
  /** Those that keepalived manages. */
  readonly services: readonly VirtualService[];
  /** Names of the trackers that any of them uses. */
  readonly scripts: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
  readonly processes: ReadonlySet<string>;
  readonly bfd: ReadonlySet<string>;
  /** Every program that keepalived runs. */
  readonly commands: readonly ScriptCommand[];
}

/** @param director inventory name; it need not have any pair or service */
export function usedBy(topology: Topology, director: string): Used {
  const pairs = [...topology.pairs.values()].filter((pair) => pair.members.some(({ host }) => host === director));
  const syncGroups = [...topology.syncGroups.values()].filter((group) => group.pairs.some((name) => pairs.some((pair) => pair.name === name)));
  const services = [...topology.services.values()].filter((service) => service.manager === 'keepalived' && service.directors.includes(director));
  const checks = services.flatMap((service) => service.realServers.flatMap((server) => checksOf(service, server)));
  const tracked = [...pairs, ...syncGroups].map(({ track }) => track);
  const names = (kind: keyof TrackUse): string[] => tracked.flatMap((track) => track[kind].map(({ name }) => name));
  const scripts = new Set(names('scripts'));
  return {
    pairs,
    syncGroups,
    services,
    scripts,
    files: new Set([...names('files'), ...checks.flatMap((check) => (check.type === 'file' ? [check.trackFile] : []))]),
    processes: new Set(names('processes')),
    bfd: new Set([...names('bfd'), ...checks.flatMap((check) => (check.type === 'bfd' ? [check.instance] : []))]),
    commands: [
      ...[...topology.trackers.scripts.values()].filter(({ name }) => scripts.has(name)).map((script) => script.command),
      ...[...pairs, ...syncGroups].flatMap(({ notify }) => commandsOf(notify)),
      ...services.flatMap((service) => [service.quorum.up, service.quorum.down, ...service.realServers.flatMap((server) => [server.onUp, server.onDown])]).filter((one) => one !== undefined),
      ...checks.flatMap((check) => (check.type === 'misc' ? [check.command] : [])),
    ],
  };
}

function commandsOf(notify: NotifyScripts): ScriptCommand[] {
  return [notify.master, notify.backup, notify.fault, notify.stop, notify.any].filter((one) => one !== undefined);
}
