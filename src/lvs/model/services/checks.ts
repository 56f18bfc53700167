import type { DataPath } from '../../../core/located.ts';
import { suggest } from '../../../core/text/suggest.ts';
import type { Commands } from '../commands.ts';
import { parseIp } from '../ip.ts';
import { didYouMean, type Problems } from '../problems.ts';
import type { RawHealthCheck, ShapedLvs } from '../schema/shape.ts';
import type { HealthCheck, HttpUrl } from '../topology.ts';

type CheckType = RawHealthCheck['type'];
type CheckKey = Exclude<keyof RawHealthCheck, 'type'>;

const TIMING = ['retry', 'delay_before_retry', 'interval', 'warmup'] as const;
const PLACE = ['connect_timeout', 'port', 'address'] as const;
const PAGE = ['path', 'status', 'digest', 'regex', 'regex_absent'] as const;
const PAGES = [...PAGE, 'urls', 'virtual_host', 'http_version'] as const;

/** Which keys a type of check knows (keepalived.conf(5)). */
const KEYS: Readonly<Record<CheckType, readonly CheckKey[]>> = {
  tcp: [...TIMING, ...PLACE],
  http: [...TIMING, ...PLACE, ...PAGES],
  ssl: [...TIMING, ...PLACE, ...PAGES],
  smtp: [...TIMING, ...PLACE, 'helo_name'],
  dns: [...TIMING, ...PLACE, 'record_type', 'name'],
  ping: [...TIMING, 'connect_timeout', 'address'],
  udp: [...TIMING, ...PLACE, 'payload', 'require_reply'],
  misc: [...TIMING, 'command', 'user', 'timeout', 'dynamic_weight'],
  file: ['track_file', 'weight'],
  bfd: ['instance'],
  none: [],
};

export interface CheckContext {
  readonly shaped: ShapedLvs;
  readonly commands: Commands;
  readonly problems: Problems;
}

/** What is checked, and where it was written. */
interface Subject {
  /** `service web`, for messages. */
  readonly of: string;
  readonly path: DataPath;
  /** The service's own port is 0, so a check needs one of its own. */
  readonly portless: boolean;
  /** Whether `path` leads to the check (its key) or, as none is written, to the address. */
  readonly portOf: 'key' | 'value';
  /** Of a firewall mark, whose real servers have port 0: the first endpoint's. */
  readonly defaultPort: number | undefined;
}

/** One check or several; `none` gives none. */
export function buildChecks(raw: RawHealthCheck | readonly RawHealthCheck[], subject: Subject, context: CheckContext): readonly HealthCheck[] {
  if (!isList(raw)) return buildCheck(raw, subject, context);
  const several = raw.length > 1;
  return raw.flatMap((one, index) => {
    const path = [...subject.path, index];
    if (several && one.type === 'none') {
      context.problems.add({ code: 'check-none', message: 'type: none cannot stand beside other checks', path, hint: 'remove it' });
    }
    return buildCheck(one, { ...subject, path }, context);
  });
}

function isList(raw: RawHealthCheck | readonly RawHealthCheck[]): raw is readonly RawHealthCheck[] {
  return Array.isArray(raw);
}

function buildCheck(raw: RawHealthCheck, subject: Subject, { shaped, commands, problems }: CheckContext): HealthCheck[] {
  const { path } = subject;
  checkKeys(raw, path, problems);
  const timing = { connectTimeout: raw.connect_timeout ?? 3, retry: raw.retry ?? 3, delayBeforeRetry: raw.delay_before_retry ?? 1, delayLoop: raw.interval, warmup: raw.warmup };
  const address = raw.address === undefined ? undefined : parseIp(raw.address)?.address;
  if (raw.address !== undefined && address === undefined) problems.add({ code: 'check-address', message: `${raw.address} is no IP address`, path: [...path, 'address'], hint: 'write the address that is asked instead of the real server' });
  const place = { port: raw.port ?? subject.defaultPort, address };
  const needsPort = KEYS[raw.type].includes('port');
  if (needsPort && subject.portless && raw.port === undefined) {
    problems.add({ code: 'check-port', message: `the health check of ${subject.of} has no port: the service has port 0`, path, of: subject.portOf, hint: 'set health_check.port, or health_check: { type: none }' });
  }
  switch (raw.type) {
    case 'none':
      return [];
    case 'tcp':
      return [{ type: 'tcp', ...timing, ...place }];
    case 'http':
    case 'ssl':
      return [{ type: raw.type, ...timing, ...place, urls: urlsOf(raw, path, problems), virtualHost: raw.virtual_host, httpVersion: raw.http_version }];
    case 'smtp':
      return [{ type: 'smtp', ...timing, ...place, heloName: raw.helo_name }];
    case 'dns':
      return [{ type: 'dns', ...timing, ...place, recordType: raw.record_type ?? 'SOA', name: raw.name ?? '.' }];
    case 'ping':
      return [{ type: 'ping', ...timing, host: address }];
    case 'udp':
      return [{ type: 'udp', ...timing, ...place, payload: raw.payload, requireReply: raw.require_reply ?? false }];
    case 'misc': {
      const command = commands.parse(required(raw, 'command', path, problems), [...path, 'command'], raw.user);
      return command === undefined ? [] : [{ type: 'misc', ...timing, command, timeout: raw.timeout, dynamicWeight: raw.dynamic_weight ?? false }];
    }
    case 'file': {
      const trackFile = known(required(raw, 'track_file', path, problems), 'track_files', [...path, 'track_file'], shaped, problems);
      return [{ type: 'file', ...timing, trackFile, weight: raw.weight }];
    }
    case 'bfd':
      return [{ type: 'bfd', ...timing, instance: known(required(raw, 'instance', path, problems), 'bfd', [...path, 'instance'], shaped, problems) }];
  }
}

function checkKeys(raw: RawHealthCheck, path: DataPath, problems: Problems): void {
  for (const key of Object.keys(raw).filter((one): one is CheckKey => one !== 'type')) {
    if (KEYS[raw.type].includes(key)) continue;
    const types = (Object.keys(KEYS) as CheckType[]).filter((type) => KEYS[type].includes(key));
    problems.add({ code: 'check-key', message: `${key} has no meaning for a health check of type ${raw.type}`, path: [...path, key], of: 'key', hint: `use type: ${types.join(' or ')}, or remove ${key}` });
  }
  const doubled = raw.urls === undefined ? undefined : PAGE.find((key) => raw[key] !== undefined);
  if (doubled !== undefined) problems.add({ code: 'check-key', message: `${doubled} has no meaning beside urls`, path: [...path, doubled], of: 'key', hint: `move it into an entry of urls` });
}

function required<K extends 'command' | 'track_file' | 'instance'>(raw: RawHealthCheck, key: K, path: DataPath, problems: Problems): RawHealthCheck[K] {
  const value = raw[key];
  if (value === undefined) problems.add({ code: 'missing-key', message: `a health check of type ${raw.type} needs ${key}`, path, of: 'key', hint: `add ${key}:` });
  return value;
}

function known(name: string | undefined, section: 'track_files' | 'bfd', path: DataPath, shaped: ShapedLvs, problems: Problems): string {
  if (name === undefined) return '';
  if (!shaped.isWritten(section, name)) {
    const names = section === 'bfd' ? shaped.bfd.keys() : shaped.trackFiles.keys();
    problems.add({ code: 'unknown-tracker', message: `${name} is not defined in lvs.${section}`, path, hint: `${didYouMean(suggest(name, names))}define it there` });
  }
  return name;
}

function urlsOf(raw: RawHealthCheck, path: DataPath, problems: Problems): readonly HttpUrl[] {
  const written = raw.urls ?? [{ path: raw.path, status: raw.status, digest: raw.digest, regex: raw.regex, regex_absent: raw.regex_absent }];
  return written.map((url, index) => {
    if (url.regex_absent !== undefined && url.regex === undefined) {
      const at = raw.urls === undefined ? [...path, 'regex_absent'] : [...path, 'urls', index, 'regex_absent'];
      problems.add({ code: 'check-key', message: 'regex_absent has no meaning without regex', path: at, of: 'key', hint: 'add regex, or remove it' });
    }
    return { path: url.path ?? '/', status: statuses(url.status), digest: url.digest, regex: url.regex, regexAbsent: url.regex_absent ?? false };
  });
}

/** Codes as they are compared; without any 200, as a page of an error would otherwise do. */
function statuses(raw: RawHealthCheck['status']): readonly string[] {
  if (raw === undefined) return ['200'];
  return (Array.isArray(raw) ? raw : [raw]).map(String);
}
