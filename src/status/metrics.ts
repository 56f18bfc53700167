import type { ClusterStatus } from './status.ts';

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Prometheus's text exposition format, version 0.0.4. Pure. */
export function formatMetrics(status: ClusterStatus): string {
  const servers = status.services.flatMap((service) => service.servers.map((server) => ({ labels: { service: service.name, key: service.key, real_server: server.host, endpoint: server.endpoint }, server, unknown: service.unknown })));
  const some = (value: (server: (typeof servers)[number]['server']) => number | null | undefined): Sample[] =>
    servers.flatMap(({ labels, server }) => {
      const is = value(server);
      return is === null || is === undefined ? [] : [{ labels, value: is }];
    });
  return [
    metric('lvs_vip_holders', 'Directors that say they hold a virtual IP; 1 is right. Absent where nobody who answered does and others did not answer.', status.vips.flatMap(({ vip, pair, holders, verdict }) => (verdict === null ? [] : [{ labels: { vip, pair: pair ?? '' }, value: holders.length }]))),
    metric('lvs_vip_held', 'Whether a director holds a virtual IP.', status.vips.flatMap(({ vip, holders }) => status.directors.map(({ host }) => ({ labels: { vip, director: host }, value: holders.includes(host) ? 1 : 0 })))),
    metric('lvs_director_up', 'Whether a director answered.', [...status.directors.map(({ host }) => ({ labels: { director: host }, value: 1 })), ...[...status.unreachable, ...status.failed].map((host) => ({ labels: { director: host }, value: 0 }))]),
    metric('lvs_real_server_weight', "Weight in a director's kernel; absent where it is not in the table.", servers.flatMap(({ labels, server }) => Object.entries(server.weights).flatMap(([director, weight]) => (weight === null ? [] : [{ labels: { ...labels, director }, value: weight }])))),
    metric('lvs_real_server_configured_weight', "The inventory's weight.", some(({ weight }) => weight)),
    metric('lvs_real_server_active_connections', 'Active connections on the director that holds the virtual IP.', some(({ active }) => active)),
    metric('lvs_real_server_inactive_connections', 'Inactive connections there.', some(({ inactive }) => inactive)),
    metric('lvs_real_server_connection_rate', 'New connections a second, as the kernel estimates them.', some(({ rate }) => rate?.connections)),
    metric('lvs_real_server_bytes_in_rate', 'Bytes a second from clients.', some(({ rate }) => rate?.bytesIn)),
    metric('lvs_real_server_serves', 'Whether it has its whole weight on every director. Absent where a director that could say otherwise did not answer.', servers.flatMap(({ labels, server, unknown }) => (server.state === 'unknown' || (server.state === 'serves' && unknown.length > 0) ? [] : [{ labels: { ...labels, state: server.state }, value: server.state === 'serves' ? 1 : 0 }]))),
    metric('lvs_drained', 'A real server that is drained, or being restored.', status.drains.map(({ host, by, weight, forgotten }) => ({ labels: { real_server: host, by, weight, forgotten: forgotten === null ? 'no' : 'yes' }, value: 1 }))),
    metric('lvs_failed_over', 'A pair that an operator has moved to another director.', status.failovers.map(({ pair, to, by, forgotten }) => ({ labels: { pair, director: to, by, forgotten: forgotten === null ? 'no' : 'yes' }, value: 1 }))),
    metric('lvs_problems', 'What needs attention, directors that did not answer included.', [{ labels: {}, value: status.problems.length }]),
    metric('lvs_status_timestamp_seconds', 'When this was looked at.', [{ labels: {}, value: Date.parse(status.at) / 1000 }]),
  ].join('');
}

function metric(name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${String(value)}\n`;
  });
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

/** Label values: backslash, quote and newline. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
