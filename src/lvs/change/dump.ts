import type { ConfiguredService, KeepalivedConfig, VrrpInstance } from './config.ts';
import { endpoint } from './config.ts';

/**
 * What a running keepalived does, from what it prints on SIGUSR1 (keepalived.data and keepalived_check.data; the texts are those of 2.2.7). Pure.
 * Lines that are not known are passed over.
 * @throws Error when neither text is a dump
 */
export function parseDump(vrrp: string, checkers: string): KeepalivedConfig {
  if (!vrrp.includes('Global definitions') && !checkers.includes('Global definitions')) throw new Error('keepalived did not tell its configuration');
  return {
    instances: blocks(vrrp, /^ VRRP Instance = (.*)$/, /^------/).map(([name, lines]) => instanceOf(name, lines)),
    services: serviceBlocks(checkers).map(([title, lines]) => serviceOf(title, lines)),
  };
}

/** What a running keepalived has made of a virtual service. */
export interface ServiceHealth {
  /** The quorum is there: real servers serve, and no sorry server. */
  readonly up: boolean;
  /** `192.168.0.18:80` -> whether it is in the kernel's table, and with which weight there: 0 where a failed check inhibits it. */
  readonly servers: ReadonlyMap<string, ServerHealth>;
}

export interface ServerHealth {
  readonly set: boolean;
  readonly weight: number;
}

/** What health checks have made of the services, by name; of a version that does not tell, without servers. Pure. */
export function parseHealth(checkers: string): ReadonlyMap<string, ServiceHealth> {
  return new Map(serviceBlocks(checkers).map(([title, lines]): [string, ServiceHealth] => [nameOf(title, value(lines, 'protocol') ?? 'TCP'), { up: value(lines, 'quorum_state_up') === '1', servers: new Map(serverBlocks(lines).flatMap(healthOf)) }]));
}

function healthOf(lines: readonly string[]): [string, ServerHealth][] {
  const [head = ''] = lines;
  const server = SERVER.exec(head);
  const [set, weight, alive] = [value(lines, 'RS set'), Number(value(lines, 'effective weight')), value(lines, 'alive')];
  if (server === null || set === undefined || Number.isNaN(weight)) return [];
  // One that is not alive and is there all the same is inhibited (ipvs_cmd in keepalived/check/ipvswrapper.c).
  return [[endpoint(server[1] ?? '', Number(server[2])), { set: set === '1', weight: alive === '0' ? 0 : Math.max(0, weight) }]];
}

const SERVER = /^ {3}RIP = (\S+), RPORT = (\d+), WEIGHT = (-?\d+)/;

/** The lines of each real server, the first of which names it. */
function serverBlocks(service: readonly string[]): (readonly string[])[] {
  const heads = service.flatMap((line, index) => (SERVER.test(line) ? [index] : []));
  return heads.map((head, index) => service.slice(head, heads[index + 1]));
}

function serviceBlocks(checkers: string): [string, string[]][] {
  return blocks(checkers, /^ (VS (?:VIP|FWMARK|GROUP) = .*)$/, /^------/);
}

/** The lines that follow each head, up to the next head or the end. */
function blocks(text: string, head: RegExp, end: RegExp): [string, string[]][] {
  const found: [string, string[]][] = [];
  let open: string[] | undefined;
  for (const line of text.split('\n')) {
    const title = head.exec(line)?.[1];
    if (title !== undefined) {
      open = [];
      found.push([title, open]);
    } else if (end.test(line)) {
      open = undefined;
    } else {
      open?.push(line);
    }
  }
  return found;
}

function value(lines: readonly string[], name: string): string | undefined {
  const start = `   ${name} = `;
  return lines.find((line) => line.startsWith(start))?.slice(start.length).trim();
}

function instanceOf(name: string, lines: readonly string[]): VrrpInstance {
  const interval = /^([\d.]+) (sec|milli-sec)/.exec(value(lines, 'Advert interval') ?? '');
  return {
    name,
    state: value(lines, 'State'),
    virtualRouterId: Number(value(lines, 'Virtual Router ID')),
    interface: interfaceOf(value(lines, 'Interface') ?? ''),
    priority: Number(value(lines, 'Priority')),
    advertInterval: interval === null ? Number.NaN : Math.round(Number(interval[1]) * (interval[2] === 'sec' ? 1000 : 1)),
    password: value(lines, 'Password')?.slice(0, 8),
    vips: addresses(lines, /^ {3}Virtual IP \(\d+\):$/),
    excluded: addresses(lines, /^ {3}Virtual IP Excluded\b/),
  };
}

/** `vrrp.62, vmac on eth0, xmit base i/f`: the interface that the file names is the one below. */
function interfaceOf(told: string): string {
  return / on ([^\s,]+)/.exec(told)?.[1] ?? told.split(',')[0] ?? '';
}

/** The addresses under a heading: `     192.168.0.38 dev eth0 scope global set`. */
function addresses(lines: readonly string[], heading: RegExp): string[] {
  const at = lines.findIndex((line) => heading.test(line));
  if (at < 0) return [];
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => !/^ {5}\S/.test(line));
  return (end < 0 ? rest : rest.slice(0, end)).map((line) => (line.trim().split(/[\s/]/)[0] ?? '').toLowerCase()).sort();
}

function serviceOf(title: string, lines: readonly string[]): ConfiguredService {
  const firstServer = lines.findIndex((line) => line.includes('------< Real server >------'));
  const own = firstServer < 0 ? lines : lines.slice(0, firstServer);
  const servers = lines.flatMap((line): [string, number][] => {
    const server = SERVER.exec(line);
    return server === null ? [] : [[endpoint(server[1] ?? '', Number(server[2])), Number(server[3])]];
  });
  return {
    name: nameOf(title, value(own, 'protocol') ?? 'TCP'),
    scheduler: value(own, 'lvs_sched') ?? '',
    // Of a tunnel that is not ipip the line lacks its first word (check_data.c).
    forward: (value(own, 'default forwarding method') ?? value(own, 'forwarding method') ?? '').split(',')[0] ?? '',
    persistence: Number(value(own, 'persistence timeout') ?? 0),
    servers: new Map(servers),
  };
}

function nameOf(title: string, protocol: string): string {
  const vip = /^VS VIP = (\S+), VPORT = (\d+)/.exec(title);
  if (vip !== null) return `${protocol} ${endpoint(vip[1] ?? '', Number(vip[2]))}`;
  const mark = /^VS FWMARK = (\d+)/.exec(title);
  return mark === null ? `group ${/\[(.*)\]/.exec(title)?.[1] ?? ''}` : `FWM ${String(mark[1])}`;
}
