import type { Json } from '../../core/json.ts';
import { parseIpvsadmSave, parseProcNetIpVs } from '../../lvs/ipvs/table.ts';
import { withThresholds } from '../../lvs/ipvs/thresholds.ts';
import { type IpvsTable, serviceKey } from '../../lvs/ipvs/types.ts';
import { formatEndpoint } from '../../lvs/model/ip.ts';
import { defineFact } from '../contract.ts';

/** A kernel's IPVS. */
export type IpvsState = {
  /** An IpvsTable as JSON; `tableOf` gives it back. Empty where IPVS is not loaded. */
  readonly table: Json;
  /** Seconds: TCP, TCP after FIN, UDP. Null when nobody asked (key `table`), or ipvsadm is not there to tell. */
  readonly timeouts: readonly number[] | null;
};

/**
 * Key: `table`, or `timeouts` for both. Two `ipvsadm` (three with time-outs); without it, or without root, /proc/net/ip_vs, which the shell reads itself
 * and which tells less. Where IPVS is not loaded nothing is run: ipvsadm would load it.
 */
export const ipvsFact = defineFact<IpvsState>({
  name: 'ipvs',
  summary: 'virtual services and real servers in the kernel',
  script: (keys) =>
    [
      'if [ ! -r /proc/net/ip_vs ]; then echo none; exit 0; fi',
      'if command -v ipvsadm >/dev/null 2>&1 && save=$(ipvsadm -Sn 2>/dev/null) && thresholds=$(ipvsadm -Ln --thresholds 2>/dev/null); then',
      "  printf 'ipvsadm\\n%s\\n--- thresholds\\n%s\\n' \"$save\" \"$thresholds\"",
      ...(keys.includes('timeouts') ? ["  echo '--- timeouts'; ipvsadm -Ln --timeout"] : []),
      'else',
      "  echo proc; while IFS= read -r line; do printf '%s\\n' \"$line\"; done </proc/net/ip_vs",
      'fi',
      ':',
    ].join('\n'),
  parse: (output, keys) => {
    const text = output.toString('utf8');
    const table = jsonOf(parseTable(text));
    const told = /^Timeout \(tcp tcpfin udp\): (\d+) (\d+) (\d+)$/m.exec(text);
    return new Map(keys.map((key) => [key, { table, timeouts: key === 'timeouts' && told !== null ? told.slice(1).map(Number) : null }]));
  },
  aspects: (state) => ({ ...ipvsAspects(tableOf(state)), 'IPVS time-outs': state.timeouts }),
});

/** What of a table is state: `IPVS TCP 192.168.0.38:80 -> 192.168.0.18:80 weight`. */
export function ipvsAspects(table: IpvsTable): Readonly<Record<string, Json>> {
  const found: Record<string, Json> = {};
  for (const { destinations, ...service } of table.services) {
    const name = `IPVS ${serviceKey(service)}`;
    found[`${name} scheduler`] = service.scheduler;
    found[`${name} flags`] = [...(service.flags ?? [])];
    found[`${name} persistence`] = [service.persistence ?? null, service.persistencePrefix ?? null, service.engine ?? null];
    for (const server of destinations) {
      const at = `${name} -> ${formatEndpoint(server.address, server.port)}`;
      found[`${at} weight`] = server.weight;
      found[`${at} forwarding`] = server.forward;
      found[`${at} thresholds`] = [server.upperThreshold ?? 0, server.lowerThreshold ?? 0];
    }
  }
  return found;
}

function parseTable(text: string): IpvsTable {
  if (text.startsWith('none\n')) return { services: [] };
  if (text.startsWith('proc\n')) return parseProcNetIpVs(text.slice('proc\n'.length));
  const [save = '', thresholds] = text.split(/^--- thresholds$/m);
  if (!save.startsWith('ipvsadm\n') || thresholds === undefined) throw new Error('the IPVS table is incomplete');
  return withThresholds(parseIpvsadmSave(save.slice('ipvsadm\n'.length)), thresholds);
}

/** The table of an answer. */
export function tableOf(state: IpvsState): IpvsTable {
  // What jsonOf left out is what the type has as undefined.
  return state.table as unknown as IpvsTable;
}

/** A table as JSON. */
export function jsonOf(table: IpvsTable): Json {
  return JSON.parse(JSON.stringify(table)) as Json;
}
