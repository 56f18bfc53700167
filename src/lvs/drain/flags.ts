import { HOST_STATE } from '../../core/host-state.ts';
import { checksOf, type HealthCheck, type RealServer, type Topology } from '../model/topology.ts';
import { hostFile } from './record.ts';

/** Folder of the flags on a director. It is there before keepalived reads a file that names it: keepalived would forget flags whose folder is not. */
export const FLAGS_FOLDER = `${HOST_STATE}/drain-flags`;

/** What keepalived calls a flag, before the host's name. */
const NAME = 'lvs-play-drain-';

/** Whose flag keepalived calls so; undefined: it is another file. Pure. */
export function flagNamed(name: string): string | undefined {
  return name.startsWith(NAME) ? name.slice(NAME.length) : undefined;
}

/** Path of a real server's flag. @throws LvsPlayError kind `input` for a name that no file can have */
export function flagPath(host: string): string {
  return `${FLAGS_FOLDER}/${hostFile(host)}`;
}

/** What is written in it. keepalived takes any number but 0 for "down", and 0 for none and for one that is not there. */
export function flagText(raised: boolean): string {
  return raised ? '1\n' : '0\n';
}

/** Whose flag a path of a change is; undefined for any other. Pure. */
export function flaggedIn(path: string): string | undefined {
  return path.startsWith(`${FLAGS_FOLDER}/`) ? path.slice(FLAGS_FOLDER.length + 1) : undefined;
}

/** Real servers that a director's keepalived balances to, each once. Pure. */
export function flaggedHosts(topology: Topology, director: string): readonly string[] {
  const own = [...topology.services.values()].filter((service) => service.manager === 'keepalived' && service.directors.includes(director));
  return [...new Set(own.flatMap(({ realServers }) => realServers.map(({ host }) => host)))];
}

/**
 * The topology as a keepalived that drains by flags has it: each real server is checked by its flag too, and one that fails a check, whichever, stays in the table
 * with weight 0.
 * @param unwatched real servers whose flag is not looked at: of a lesser weight, on the way back. Their flag stays raised until their drain is over, as one that is
 * lowered while keepalived still reads its new file would let in what the old one said. Pure.
 */
export function withFlags(topology: Topology, unwatched: ReadonlySet<string> = new Set()): Topology {
  const files = new Map(topology.trackers.files);
  const flagged = (server: RealServer, checks: readonly HealthCheck[]): RealServer => {
    if (unwatched.has(server.host)) return { ...server, inhibitOnFailure: true, healthChecks: checks };
    const name = `${NAME}${server.host}`;
    files.set(name, { name, file: flagPath(server.host), weight: undefined });
    return { ...server, inhibitOnFailure: true, healthChecks: [...checks, flagCheck(name)] };
  };
  const services = [...topology.services].map(([name, service]) => {
    if (service.manager !== 'keepalived') return [name, service] as const;
    return [name, { ...service, realServers: service.realServers.map((server) => flagged(server, checksOf(service, server))) }] as const;
  });
  return { ...topology, services: new Map(services), trackers: { ...topology.trackers, files } };
}

/** Its times are nothing: keepalived is told by the kernel when the file changes. */
function flagCheck(trackFile: string): HealthCheck {
  return { type: 'file', trackFile, weight: undefined, connectTimeout: 0, retry: 0, delayBeforeRetry: 0, delayLoop: undefined, warmup: undefined };
}
