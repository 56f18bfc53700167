import { formatEndpoint, parseEndpoint } from '../model/ip.ts';
import { type IpvsTable, serviceKey } from './types.ts';

/**
 * A table with the thresholds and the numbers of connections that `ipvsadm -Ln --thresholds` tells (ipvsadm 1.31); `ipvsadm -Sn` has neither.
 * @throws Error when a real server is not in that list: the table has changed in between
 */
export function withThresholds(table: IpvsTable, text: string): IpvsTable {
  const rows = new Map<string, readonly number[]>();
  let service = '';
  for (const line of text.split('\n')) {
    const head = /^(TCP|UDP|SCTP|FWM)\s+(\S+)( IPv6)?(?:\s|$)/.exec(line);
    const [, protocol = '', name = '', six = ''] = head ?? [];
    if (head !== null) service = protocol === 'FWM' ? `FWM ${name}${six}` : `${protocol} ${shortest(name)}`;
    const server = /^\s+->\s+(\S+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$/.exec(line);
    if (server !== null) rows.set(`${service} ${shortest(server[1] ?? '')}`, server.slice(2).map(Number));
  }
  return {
    services: table.services.map((one) => ({
      ...one,
      destinations: one.destinations.map((server) => {
        const row = rows.get(`${serviceKey(one)} ${formatEndpoint(server.address, server.port)}`);
        if (row === undefined) throw new Error('the IPVS table changed while it was read; run it again');
        const [upperThreshold = 0, lowerThreshold = 0, activeConnections, inactiveConnections] = row;
        return { ...server, upperThreshold, lowerThreshold, activeConnections, inactiveConnections };
      }),
    })),
  };
}

function shortest(endpoint: string): string {
  const parsed = parseEndpoint(endpoint);
  return parsed === undefined ? endpoint : formatEndpoint(parsed.address, parsed.port);
}
