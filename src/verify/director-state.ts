import type { DirectorState } from './types.ts';

/** Asks a director for everything verification needs of it: two processes, and a third where ipvsadm is there. */
export const DIRECTOR_SCRIPT = [
  'ip -o addr show',
  "echo '--- link'",
  'ip -o link show',
  "echo '--- ipvs'",
  '[ -r /proc/net/ip_vs ] && while IFS= read -r line; do printf "%s\\n" "$line"; done </proc/net/ip_vs',
  "echo '--- stats'",
  'command -v ipvsadm >/dev/null 2>&1 && ipvsadm -Ln --stats --exact',
  ':',
].join('\n');

/** Pure. */
export function parseDirectorState(host: string, output: string): DirectorState {
  const [addresses = '', links = '', ipvs = '', stats = ''] = output.split(/^--- \w+$/m);
  return {
    host,
    addresses: new Map([...addresses.matchAll(/^\d+:\s+(\S+)\s+inet6?\s+([0-9a-fA-F:.]+)/gm)].map(([, iface = '', address = '']) => [address, iface])),
    macs: new Map([...links.matchAll(/^\d+:\s+([^\s:@]+)[^\n]*link\/ether ([0-9a-f:]{17})/gm)].map(([, iface = '', mac = '']) => [iface, mac])),
    ipvs: ipvs.trim() === '' ? undefined : ipvs.trimStart(),
    connections: parseStats(stats),
  };
}

function parseStats(text: string): Map<string, Map<string, number>> {
  const services = new Map<string, Map<string, number>>();
  let current = new Map<string, number>();
  for (const line of text.split('\n')) {
    const service = /^(TCP|UDP|SCTP|FWM)\s+(\S+)\s+\d/.exec(line);
    if (service !== null) {
      current = new Map();
      services.set(`${service[1] ?? ''} ${service[2] ?? ''}`, current);
    }
    const server = /^\s+->\s+(\S+)\s+(\d+)\s/.exec(line);
    if (server !== null) current.set(server[1] ?? '', Number(server[2]));
  }
  return services;
}
