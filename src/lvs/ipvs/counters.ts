/** The numbers of `ipvsadm -Ln --stats --exact` or `--rate --exact`: connections, packets in and out, bytes in and out; counted, or a second. */
export interface IpvsCounters {
  readonly connections: number;
  readonly bytesIn: number;
  /** 0 in DR and TUN: replies pass the director by. */
  readonly bytesOut: number;
}

/** By service `TCP 192.168.0.38:80`, and real server `192.168.0.18:80`. Pure. */
export function parseCounters(text: string): Map<string, Map<string, IpvsCounters>> {
  const services = new Map<string, Map<string, IpvsCounters>>();
  let current = new Map<string, IpvsCounters>();
  for (const line of text.split('\n')) {
    const service = /^(TCP|UDP|SCTP|FWM)\s+(\S+(?: IPv6)?)\s+\d/.exec(line);
    if (service !== null) {
      current = new Map();
      services.set(`${service[1] ?? ''} ${service[2] ?? ''}`, current);
    }
    const server = /^\s+->\s+(\S+)\s+(\d+)\s+\d+\s+\d+\s+(\d+)\s+(\d+)/.exec(line);
    if (server !== null) current.set(server[1] ?? '', { connections: Number(server[2]), bytesIn: Number(server[3]), bytesOut: Number(server[4]) });
  }
  return services;
}

/** Connection synchronisation in what `ipvsadm -L --daemon` says. Pure. */
export function syncDaemons(text: string): ('master' | 'backup')[] {
  return (['master', 'backup'] as const).filter((role) => text.includes(`${role} sync daemon`));
}
