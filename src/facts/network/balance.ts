import type { Json } from '../../core/json.ts';
import { parseProcEndpoint, parseProcNetIpVs } from '../../lvs/ipvs/parse.ts';
import type { IpvsTable } from '../../lvs/ipvs/types.ts';
import { defineFact } from '../contract.ts';
import { ipvsAspects, jsonOf } from './ipvs.ts';

/** What a kernel balances right now. */
export type BalanceState = {
  /** An IpvsTable with its counts of connections, as JSON. Empty where IPVS is not loaded. */
  readonly table: Json;
  /** Persistence templates; null when nobody asked (key `table`). */
  readonly templates: readonly Templates[] | null;
};

/** Clients that stay with a real server (ip_vs_sched_persist in net/netfilter/ipvs/ip_vs_core.c). */
export type Templates = {
  /** In the kernel's word: `TCP`, `UDP`, `SCTP`; `IP` of a firewall mark, which `address` then is, written as an IPv4 address. */
  readonly protocol: string;
  readonly address: string;
  /** 0 of a service for all ports, of a mark, and of FTP. */
  readonly port: number;
  /** The real server's. */
  readonly server: string;
  readonly count: number;
};

/** A template is an entry without a client port. Connections are counted where they are: there may be a million of them. */
const COUNT = `$3 == "0000" { n[$1 " " $4 " " $5 " " $6] += 1 } END { for (k in n) print k, n[k] }`;

/**
 * Key: `table`, or `templates` for both. One `cat` for the table with its counts, and one `awk` over the connections where templates are asked for. Where
 * IPVS is not loaded nothing is run.
 */
export const balanceFact = defineFact<BalanceState>({
  name: 'balance',
  summary: 'virtual services and real servers with their connections now, and persistence templates',
  script: (keys) =>
    [
      'if [ -r /proc/net/ip_vs ]; then',
      'cat /proc/net/ip_vs',
      ...(keys.includes('templates') ? ["echo '--- templates'", `awk '${COUNT}' /proc/net/ip_vs_conn 2>/dev/null`] : []),
      'fi',
      ':',
    ].join('\n'),
  parse: (output, keys) => {
    const [table = '', templates] = output.toString('utf8').split('--- templates\n');
    const found = { table: jsonOf(parseProcNetIpVs(table)), templates: (templates ?? '').split('\n').filter((line) => line !== '').map(templatesOf) };
    return new Map(keys.map((key) => [key, key === 'templates' ? found : { ...found, templates: null }]));
  },
  // Connections and templates come and go.
  aspects: (state) => ipvsAspects(balanceOf(state)),
});

/** The table of an answer. */
export function balanceOf(state: BalanceState): IpvsTable {
  // What jsonOf left out is what the type has as undefined.
  return state.table as unknown as IpvsTable;
}

function templatesOf(line: string): Templates {
  const [protocol = '', address = '', port = '', server = '', count = ''] = line.split(' ');
  const service = parseProcEndpoint(bracketed(address, port), line);
  return { protocol, address: service.address, port: service.port, server: parseProcEndpoint(bracketed(server, '0000'), line).address, count: Number(count) };
}

function bracketed(address: string, port: string): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]:${port}` : `${address}:${port}`;
}
