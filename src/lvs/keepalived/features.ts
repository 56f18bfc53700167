import { LvsPlayError, type Position } from '../../core/errors.ts';
import { MAX_WEIGHT } from '../model/services/real-server-rules.ts';
import { checksOf, type HealthCheck, type Topology, type TrackUse, type VirtualService } from '../model/topology.ts';
import { needsQuotes } from './render/text.ts';
import type { Used } from './render/used.ts';
import { atLeast, type KeepalivedVersion } from './version.ts';

interface Feature {
  /** First version that has it. */
  readonly since: string;
  /** Later versions that had it broken: from the first up to, not including, the second. */
  readonly broken?: readonly (readonly [string, string])[];
  /** How an operator knows it. */
  readonly what: string;
  readonly hint?: string;
}

/**
 * What keepalived learnt after 1.3.5. Sources: its ChangeLog (up to 2.0.20), then the release notes on keepalived.org and the pull requests of
 * github.com/acassen/keepalived. Where these are silent and the man page of 2.2.7 has a keyword, the first release of the branch that brought it counts.
 */
export const FEATURES = {
  /** The oldest that is written for: RHEL 7's. */
  any: { since: '1.3.5', what: 'this keepalived.conf' },
  /** ChangeLog 1.3.6: "Allow virtualhost to be specified per checker and per url". */
  checkVirtualHost: { since: '1.3.6', what: 'virtual_host of a health check' },
  /** ChangeLog 1.4.0: "Allow tunnelled rs address family not to match vs family". */
  mixedFamilies: { since: '1.4.0', what: 'a tunnel to a real server of the other address family' },
  /** ChangeLog 1.4.0 speaks of the sorry server's own forwarding method. */
  sorryServerMode: { since: '1.4.0', what: 'a sorry_server with a mode of its own' },
  /** ChangeLog 2.0.0: "Add track scripts, track files and track_if to sync groups". */
  syncGroupTrack: { since: '2.0.0', what: 'track of a sync group' },
  /** Not in the ChangeLog; in the branch that became 2.0.0. */
  syncGroupStop: { since: '2.0.0', what: 'notify.stop of a sync group' },
  /** ChangeLog 2.0.0: "Add vrrp_track_file option". */
  trackFile: { since: '2.0.0', what: 'track.files' },
  /** Not in the ChangeLog; pull requests 652 and 735, in the branch that became 2.0.0. */
  bfd: { since: '2.0.0', what: 'bfd' },
  checkInterval: { since: '2.0.0', what: 'interval of a health check', hint: "set the service's check_interval instead" },
  miscRetry: { since: '2.0.0', what: 'retry of a health check of type misc', hint: 'set retry: 0' },
  /** ChangeLog 2.0.6: "Add support for quote and escape handling of notify and other scripts". */
  quotedArguments: { since: '2.0.6', what: 'blanks or special characters in a command', hint: 'put the command into a script of lvs.scripts' },
  /** ChangeLog 2.0.7: "Add mh scheduler for LVS", "Adds regex pattern matching for HTTP_GET and SSL_GET", documentation of lvs_timeouts. */
  mh: { since: '2.0.7', what: 'scheduler mh' },
  regex: { since: '2.0.7', what: 'regex of a health check' },
  timeouts: { since: '2.0.7', what: 'ipvs.timeouts' },
  /** ChangeLog 2.0.11. */
  trackProcess: { since: '2.0.11', what: 'track.processes' },
  /** ChangeLog 2.0.13: "Allow fractional warmup, delay_loop and delay_before_retry for checkers", "connect_timeout to a resolution of micro-seconds". */
  fractions: { since: '2.0.13', what: 'fractions of a second in health checks' },
  /** ChangeLog 2.0.17: "support http status_code group", "Add http_protocol option". */
  statusRanges: { since: '2.0.17', what: 'several status codes, or a range' },
  httpVersion: { since: '2.0.17', what: 'http_version of a health check' },
  /** ChangeLog 2.0.18: GUE, its checksum, GRE. */
  tunnelTypes: { since: '2.0.18', what: 'a tunnel of type gue or gre' },
  /** ChangeLog 2.0.20: "fix: unknown keyword 'mh-fallback' and 'mh-port'". */
  mhFlags: { since: '2.0.20', what: 'mh-port and mh-fallback' },
  /** Pull request 1485, merged after 2.0.20. */
  pingUdp: { since: '2.1.0', what: 'health checks of type ping and udp' },
  /** check_file.c came with 2.1.0; vrrp_track_file became track_file then. */
  fileCheck: { since: '2.1.0', what: 'health checks of type file' },
  /** The same, with inhibit_on_failure. */
  drainFlag: { since: '2.1.0', what: 'lvs.drain.method flag', hint: 'set it to auto' },
  /** IPVS_WEIGHT_LIMIT was 65535 up to 2.0.20 (check_data.h). */
  bigWeights: { since: '2.1.0', what: `a weight above 65535 (up to ${String(MAX_WEIGHT)})` },
  /** 2.0.0 to 2.0.15 refuse it, 2.1.x sets 1, 2.2.0 and 2.2.1 miss the change at a reload (issues of github.com/acassen/keepalived). */
  weightZero: { since: '1.3.5', broken: [['2.0.0', '2.0.16'], ['2.1.0', '2.2.2']], what: 'weight 0' },
  /** Pull request 1744, merged after 2.1.5. */
  udpPayload: { since: '2.2.0', what: 'payload and require_reply of a health check' },
  twos: { since: '2.2.5', what: 'scheduler twos' },
} as const satisfies Readonly<Record<string, Feature>>;

export type FeatureName = keyof typeof FEATURES;

/** `keepalived -t`, which checks a file without using it (ChangeLog 2.0.4). */
export const CONFIG_TEST_SINCE = '2.0.4';

/** The version that must be had at least, or undefined when this one will do. */
function neededVersion(version: KeepalivedVersion, feature: Feature): string | undefined {
  if (!atLeast(version, feature.since)) return feature.since;
  return feature.broken?.find(([from, mended]) => atLeast(version, from) && !atLeast(version, mended))?.[1];
}

/** The version that mends a feature which this one has broken; undefined: it is not broken. */
export function brokenIn(name: FeatureName, version: KeepalivedVersion): string | undefined {
  const { broken }: Feature = FEATURES[name];
  return broken?.find(([from, mended]) => atLeast(version, from) && !atLeast(version, mended))?.[1];
}

/** What a director's keepalived lacks for its part of the topology: an error each, none when it has all. */
export function refusals(topology: Topology, director: string, used: Used, version: KeepalivedVersion): LvsPlayError[] {
  const text = `${String(version.major)}.${String(version.minor)}.${String(version.patch)}`;
  return needs(topology, used).flatMap(({ feature, of, position }) => {
    const { what, hint = 'change it', ...rest }: Feature = FEATURES[feature];
    const needed = neededVersion(version, { what, ...rest });
    if (needed === undefined) return [];
    return [
      new LvsPlayError({
        code: 'keepalived-too-old',
        kind: 'input',
        message: `keepalived ${text} of ${director} cannot carry ${of}: ${what} needs ${needed}`,
        position,
        hint: `upgrade keepalived there, or ${hint}`,
        host: director,
      }),
    ];
  });
}

interface Need {
  readonly feature: FeatureName;
  /** `service web`. */
  readonly of: string;
  readonly position: Position | undefined;
}

function needs(topology: Topology, used: Used): Need[] {
  const all: Need[] = [];
  const add = (of: string, position: Position | undefined, asked: Partial<Record<FeatureName, boolean>>): void => {
    for (const [feature, is] of Object.entries(asked) as [FeatureName, boolean][]) if (is) all.push({ feature, of, position });
  };
  add('its configuration', undefined, { any: true, timeouts: topology.ipvs.timeouts !== undefined });
  add('flag files', topology.drain.position, { drainFlag: topology.drain.method === 'flag' && used.services.length > 0 });
  const anywhere = used.commands.find(needsQuotes);
  if (anywhere !== undefined) add(`command ${anywhere.argv[0] ?? ''}`, undefined, { quotedArguments: true });
  for (const pair of used.pairs) add(`HA pair ${pair.name}`, pair.position, trackNeeds(pair.track));
  for (const group of used.syncGroups) {
    const tracks = Object.values(group.track).some((items: readonly unknown[]) => items.length > 0);
    add(`sync group ${group.name}`, group.position, { syncGroupTrack: tracks, syncGroupStop: group.notify.stop !== undefined, ...trackNeeds(group.track) });
  }
  for (const service of used.services) add(`service ${service.name}`, service.position, serviceNeeds(service));
  return all;
}

function trackNeeds(track: TrackUse): Partial<Record<FeatureName, boolean>> {
  return { trackFile: track.files.length > 0, trackProcess: track.processes.length > 0, bfd: track.bfd.length > 0 };
}

function serviceNeeds(service: VirtualService): Partial<Record<FeatureName, boolean>> {
  const { sorryServer } = service;
  const weights = service.realServers.map(({ weight }) => weight);
  const checks = service.realServers.flatMap((server) => checksOf(service, server));
  const six = service.vip.includes(':');
  const servers = [...service.realServers, ...(sorryServer === undefined ? [] : [sorryServer])];
  return {
    mh: service.scheduler === 'mh',
    mhFlags: service.schedulerFlags.some((flag) => flag.startsWith('mh-')),
    twos: service.scheduler === 'twos',
    bigWeights: weights.some((weight) => weight > 65535),
    weightZero: weights.includes(0),
    tunnelTypes: service.mode === 'tun' && service.tunnel.type !== 'ipip',
    mixedFamilies: servers.some(({ address }) => address.includes(':') !== six),
    sorryServerMode: sorryServer !== undefined && sorryServer.mode !== service.mode,
    fractions: [service.checkInterval, ...checks.flatMap(timesOf)].some((time) => !Number.isInteger(time)),
    ...checkNeeds(checks),
  };
}

function checkNeeds(checks: readonly HealthCheck[]): Partial<Record<FeatureName, boolean>> {
  const web = checks.flatMap((check) => (check.type === 'http' || check.type === 'ssl' ? [check] : []));
  const urls = web.flatMap((check) => check.urls);
  return {
    checkVirtualHost: web.some(({ virtualHost }) => virtualHost !== undefined),
    httpVersion: web.some(({ httpVersion }) => httpVersion !== undefined),
    statusRanges: urls.some(({ status }) => status.length > 1 || status.some((one) => one.includes('-'))),
    regex: urls.some(({ regex }) => regex !== undefined),
    bfd: checks.some(({ type }) => type === 'bfd'),
    fileCheck: checks.some(({ type }) => type === 'file'),
    pingUdp: checks.some(({ type }) => type === 'ping' || type === 'udp'),
    udpPayload: checks.some((check) => check.type === 'udp' && (check.payload !== undefined || check.requireReply)),
    checkInterval: checks.some(({ delayLoop }) => delayLoop !== undefined),
    miscRetry: checks.some(({ type, retry }) => type === 'misc' && retry > 0),
  };
}

function timesOf(check: HealthCheck): number[] {
  if (check.type === 'file' || check.type === 'bfd') return [];
  const times = [check.delayBeforeRetry, check.delayLoop, check.warmup, ...(check.type === 'misc' ? [] : [check.connectTimeout])];
  return times.filter((time) => time !== undefined);
}
