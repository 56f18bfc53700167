import { atLeast, type KeepalivedVersion } from '../version.ts';
import type { HealthCheck, HttpUrl, RealServer, Topology } from '../../model/topology.ts';
import { type Block, flag, option } from './block.ts';
import { command, pattern, quoted, word } from './text.ts';

/** One health check of a real server. */
export function checkBlock(check: HealthCheck, server: RealServer, topology: Topology, version: KeepalivedVersion): Block {
  const timing = timingLines(check, version);
  switch (check.type) {
    case 'tcp':
      return [{ head: 'TCP_CHECK', body: [...timing, ...place(check, server)] }];
    case 'http':
    case 'ssl':
      return [
        {
          head: check.type === 'http' ? 'HTTP_GET' : 'SSL_GET',
          body: [
            ...check.urls.map((url) => ({ head: 'url', body: urlLines(url) })),
            ...option('virtualhost', check.virtualHost === undefined ? undefined : quoted(check.virtualHost)),
            ...option('http_protocol', check.httpVersion),
            ...timing,
            ...place(check, server),
          ],
        },
      ];
    case 'smtp':
      return [{ head: 'SMTP_CHECK', body: [...timing, ...place(check, server), ...option('helo_name', check.heloName === undefined ? undefined : quoted(check.heloName))] }];
    case 'dns':
      return [{ head: 'DNS_CHECK', body: [...timing, ...place(check, server), `type ${check.recordType}`, `name ${word(check.name)}`] }];
    case 'ping':
      return [{ head: 'PING_CHECK', body: [...timing, ...option('connect_ip', check.host)] }];
    case 'udp':
      return [{ head: 'UDP_CHECK', body: [...timing, ...place(check, server), ...payload(check.payload), ...flag('require_reply', check.requireReply)] }];
    case 'misc':
      return [
        {
          head: 'MISC_CHECK',
          body: [
            `misc_path ${command(check.command)}`,
            ...option('misc_timeout', check.timeout),
            ...flag('misc_dynamic', check.dynamicWeight),
            ...option('user', check.command.user === undefined ? undefined : word(check.command.user)),
            ...timing,
          ],
        },
      ];
    case 'file':
      return [{ head: 'FILE_CHECK', body: [`track_file ${check.trackFile}`, `weight ${String(check.weight ?? topology.trackers.files.get(check.trackFile)?.weight ?? 0)}`] }];
    case 'bfd':
      return [{ head: 'BFD_CHECK', body: [`name ${check.instance}`] }];
  }
}

function timingLines(check: HealthCheck, version: KeepalivedVersion): readonly string[] {
  // `retry` is unknown to the HTTP check of old versions, and `nb_get_retry` is deprecated from 2.0.15 on (ChangeLog).
  const web = check.type === 'http' || check.type === 'ssl';
  const retry = web && !atLeast(version, '2.0.15') ? 'nb_get_retry' : 'retry';
  // A command has a time-out of its own, and before 2.0.0 no retries.
  const misc = check.type === 'misc';
  const retries = misc && !atLeast(version, '2.0.0') ? [] : [`${retry} ${String(check.retry)}`, `delay_before_retry ${String(check.delayBeforeRetry)}`];
  return [...option('connect_timeout', misc ? undefined : check.connectTimeout), ...retries, ...option('delay_loop', check.delayLoop), ...option('warmup', check.warmup)];
}

function place(check: { readonly address: string | undefined; readonly port: number | undefined }, server: RealServer): readonly string[] {
  const port = check.port ?? server.port;
  return [...option('connect_ip', check.address), ...option('connect_port', port === 0 ? undefined : port)];
}

function urlLines(url: HttpUrl): Block {
  return [
    `path ${quoted(url.path)}`,
    ...option('digest', url.digest),
    `status_code ${url.status.length === 0 ? '200' : url.status.join(' ')}`,
    ...option('regex', url.regex === undefined ? undefined : pattern(url.regex)),
    ...flag('regex_no_match', url.regex !== undefined && url.regexAbsent),
  ];
}

/** Bytes in hexadecimal: keepalived takes no text. */
function payload(text: string | undefined): readonly string[] {
  return option('payload', text === undefined ? undefined : Buffer.from(text).toString('hex'));
}
