import { checksOf, type HealthCheck, type VirtualService } from '../../lvs/model/topology.ts';
import { defineRules, type LintContext } from '../types.ts';
import { PAIR, service } from './examples.ts';
import { at, services } from './services.ts';

/** Rules about what is left when something fails, and how it is seen. */
export const availabilityRules = defineRules([
  {
    id: 'quorum-without-spare',
    severity: 'warning',
    summary: 'the loss of one real server loses the quorum',
    why: 'Below the quorum keepalived puts in the sorry server and removes the real servers that still live.',
    source: 'keepalived.conf(5), quorum; keepalived, check/ipwrapper.c (update_quorum_state)',
    bad: `${PAIR}${service('quorum: §2', 'sorry_server: { host: rs3 }')}`,
    good: `${PAIR}${service('quorum: 1', 'sorry_server: { host: rs3 }')}`,
    check: (context) =>
      services(context, (one) => one.sorryServer !== undefined && one.quorum.count > 1 && total(one) - heaviest(one) < one.quorum.count - one.quorum.hysteresis).map((one) => ({
        path: at(one, 'quorum'),
        message: `${one.name} needs ${String(one.quorum.count)} of ${String(total(one))}: without its heaviest server it has ${String(total(one) - heaviest(one))}, and the sorry server takes the place of those that live`,
        hint: 'lower the quorum, add hysteresis, or add servers',
      })),
  },
  {
    id: 'quorum-without-use',
    severity: 'warning',
    summary: 'a quorum that nothing happens below',
    why: 'Without a sorry server keepalived leaves the real servers that live in the table, however few they are. Only the commands of the quorum would tell of it.',
    source: 'keepalived.conf(5), quorum; keepalived, check/ipwrapper.c (update_quorum_state)',
    bad: `${PAIR}${service('quorum: §2')}`,
    good: `${PAIR}${service('quorum: { count: 2, down: [/usr/local/bin/page, web] }')}`,
    check: (context) =>
      services(context, ({ sorryServer, quorum: { count, up, down } }) => count > 1 && sorryServer === undefined && up === undefined && down === undefined).map((one) => ({
        path: at(one, 'quorum'),
        message: `nothing happens when ${one.name} is below its quorum of ${String(one.quorum.count)}`,
        hint: 'add sorry_server, or quorum.up and quorum.down, or remove quorum',
      })),
  },
  {
    id: 'single-real-server',
    severity: 'warning',
    summary: 'one real server carries the service',
    why: 'Nobody takes over when it fails, and it cannot be drained.',
    source: 'LVS-HOWTO, LVS: High Availability',
    bad: `${PAIR}${service().replace('real_servers', '§real_servers').replace('      rs2: { weight: 1 }\n', '')}`,
    good: `${PAIR}${service()}`,
    check: (context) =>
      services(context, (one) => one.realServers.filter(({ weight }) => weight > 0).length === 1 && one.sorryServer === undefined).map((one) => ({ path: at(one, 'real_servers'), of: 'key', message: `${one.name} has one real server with a weight above 0`, hint: 'add another, or a sorry_server' })),
  },
  {
    id: 'single-director',
    severity: 'info',
    summary: 'one director carries the service',
    why: 'When it fails, nobody has the VIP.',
    source: 'keepalived.conf(5), vrrp_instance',
    bad: service('on: §lvs1', 'interface: eth0'),
    good: `${PAIR}${service()}`,
    check: (context) => services(context, (one) => one.pair === undefined).map((one) => ({ path: at(one, 'on'), message: `${one.name} is on ${one.directors.join()} alone`, hint: 'make an HA pair, if the service shall outlive a director' })),
  },
  {
    id: 'unchecked-server',
    severity: 'warning',
    summary: 'nobody sees when a real server fails',
    why: 'IPVS itself checks nothing: a dead server without a health check gets its share of connections, and refuses them.',
    source: 'keepalived.conf(5), real_server; ipvsadm(8)',
    bad: `${PAIR}${service('health_check: { type: none }').replace('web', '§web')}`,
    good: `${PAIR}${service('health_check: { type: http }')}`,
    check: (context) =>
      services(context, (one) => one.realServers.some((server) => checksOf(one, server).length === 0)).map((one) => ({
        path: at(one),
        of: 'key',
        message: `real servers of ${one.name} have no health check`,
        hint: one.manager === 'script' ? 'use manager: keepalived, if a dead server shall be taken out' : one.protocol === 'tcp' ? 'add health_check: { type: tcp } or better' : 'add health_check: { type: dns }, udp, misc or another that speaks the protocol',
      })),
  },
  {
    id: 'check-only-connects',
    severity: 'info',
    summary: 'a web server is checked by connecting only',
    why: 'A server that accepts connections and answers with errors, or not at all, stays in.',
    source: 'keepalived.conf(5), TCP_CHECK and HTTP_GET',
    bad: `${PAIR}${service('health_check: §{ type: tcp }')}`,
    good: `${PAIR}${service('health_check: { type: http, path: /health, status: 200 }')}`,
    check: (context) =>
      services(context, (one) => [80, 443, 8080, 8443].includes(one.port) && one.healthChecks.length > 0 && one.healthChecks.every(({ type }) => type === 'tcp')).map((one) => ({
        path: at(one, 'health_check'),
        message: `${one.name} is checked by a connection to port ${String(one.port)} only`,
        hint: `use type: ${one.port === 443 || one.port === 8443 ? 'ssl' : 'http'} with a path that tells whether the server works`,
      })),
  },
  {
    id: 'slow-detection',
    severity: 'warning',
    summary: 'a dead server keeps its share for more than a minute',
    why: 'Until the last retry has failed it gets new connections.',
    source: 'keepalived.conf(5), delay_loop, retry and delay_before_retry',
    bad: `${PAIR}${service('check_interval: §60')}`,
    good: `${PAIR}${service('check_interval: 6')}`,
    check: (context) =>
      services(context, (one) => slowest(one) > 60).map((one) => ({
        path: at(one, one.checkInterval > 30 ? 'check_interval' : 'health_check'),
        message: `a dead server of ${one.name} is noticed after up to ${String(slowest(one))} s`,
        hint: 'lower check_interval, retry, delay_before_retry or connect_timeout: the sum is interval + (retry + 1) × timeout + retry × delay',
      })),
  },
  {
    id: 'hair-trigger',
    severity: 'warning',
    summary: 'one lost packet takes a real server out',
    why: 'Without retries a single failed check removes a server, and its connections are cut.',
    source: 'keepalived.conf(5), retry',
    bad: `${PAIR}${service('health_check: §{ type: tcp, retry: 0 }')}`,
    good: `${PAIR}${service('health_check: { type: tcp, retry: 2 }')}`,
    check: (context) => services(context, (one) => checksOfAll(one).some(({ retry, type }) => retry === 0 && type !== 'file' && type !== 'bfd')).map((one) => ({ path: at(one, 'health_check'), message: `one failed check takes a server of ${one.name} out`, hint: 'set retry: 1 or more' })),
  },
  {
    id: 'file-check-removes',
    severity: 'warning',
    summary: 'a file takes a server out and cuts its connections',
    why: 'Without a weight a file check fails as soon as the file holds anything but 0, and a failed server is removed with its connections. With inhibit_on_failure it stays with weight 0 and is drained, without a reload.',
    source: 'keepalived.conf(5), FILE_CHECK and inhibit_on_failure; keepalived, check/check_file.c',
    bad: `track_files: { drain: { file: /run/drain } }\n${PAIR}${service('health_check: §{ type: file, track_file: drain }')}`,
    good: `track_files: { drain: { file: /run/drain } }\n${PAIR}${service('health_check: { type: file, track_file: drain }', 'inhibit_on_failure: true')}`,
    check: (context) =>
      services(context, (one) => one.realServers.some((server) => !server.inhibitOnFailure && checksOf(one, server).some((check) => failsByFile(context, check)))).map((one) => ({
        path: at(one, 'health_check'),
        message: `the file that a server of ${one.name} is checked by removes it and cuts its connections`,
        hint: 'add inhibit_on_failure: true, or a weight: the file\'s number times it is then added to the server\'s',
      })),
  },
  {
    id: 'sorry-is-real-server',
    severity: 'warning',
    summary: 'the sorry server is a real server of the same service',
    why: 'When its own service has failed it is dead with the others, and it is most likely needed then.',
    source: 'keepalived.conf(5), sorry_server',
    bad: `${PAIR}${service('§sorry_server: { host: rs1 }')}`,
    good: `${PAIR}${service('sorry_server: { host: rs3 }')}`,
    check: (context) =>
      services(context, (one) => one.realServers.some(({ address, port }) => address === one.sorryServer?.address && port === one.sorryServer.port)).map((one) => ({ path: at(one, 'sorry_server'), of: 'key', message: `the sorry server of ${one.name} is one of its real servers`, hint: 'name another host, or another port with mode: nat' })),
  },
  {
    id: 'threshold-without-lower',
    severity: 'info',
    summary: 'a full server gets connections again below three quarters',
    why: 'Without a lower threshold IPVS takes 3/4 of the upper one.',
    source: 'Linux, net/netfilter/ipvs/ip_vs_conn.c; ipvsadm(8), -y',
    bad: `${PAIR}${service().replace('rs1: { weight: 1 }', 'rs1: { upper_threshold: §100 }')}`,
    good: `${PAIR}${service().replace('rs1: { weight: 1 }', 'rs1: { upper_threshold: 100, lower_threshold: 90 }')}`,
    check: (context) =>
      services(context, () => true).flatMap((one) =>
        one.realServers.filter(({ upperThreshold, lowerThreshold }) => upperThreshold > 0 && lowerThreshold === 0).map((server) => ({ path: at(one, 'real_servers', server.host, 'upper_threshold'), message: `${server.host} of ${one.name} gets connections again below ${String(Math.ceil((server.upperThreshold * 3) / 4))}`, hint: 'set lower_threshold, if that is not meant' })),
      ),
  },
]);

function total({ realServers }: VirtualService): number {
  return realServers.reduce((sum, { weight }) => sum + weight, 0);
}

function heaviest({ realServers }: VirtualService): number {
  return Math.max(0, ...realServers.map(({ weight }) => weight));
}

/** A weight makes the number in the file part of the server's weight instead. */
function failsByFile({ topology }: LintContext, check: HealthCheck): boolean {
  return check.type === 'file' && (check.weight ?? topology.trackers.files.get(check.trackFile)?.weight ?? 0) === 0;
}

/** Of all real servers, their own ones included. */
function checksOfAll(one: VirtualService): readonly HealthCheck[] {
  return [...new Set(one.realServers.flatMap((server) => checksOf(one, server)))];
}

function slowest(one: VirtualService): number {
  return Math.max(0, ...checksOfAll(one).map((check) => detection(one, check)));
}

/** Seconds from death to removal at worst. */
function detection({ checkInterval }: VirtualService, { delayLoop, retry, connectTimeout, delayBeforeRetry }: HealthCheck): number {
  return (delayLoop ?? checkInterval) + (retry + 1) * connectTimeout + retry * delayBeforeRetry;
}
