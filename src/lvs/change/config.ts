import { expand } from '../keepalived/conf/expand.ts';
import { parseLines } from '../keepalived/conf/lines.ts';
import { type ConfNode, treeOf } from '../keepalived/conf/tree.ts';
import { parseIp } from '../model/ip.ts';

/** What keepalived does by its configuration: as a file says it, or as a running daemon tells. What both can tell, and no more. */
export interface KeepalivedConfig {
  readonly instances: readonly VrrpInstance[];
  readonly services: readonly ConfiguredService[];
}

export interface VrrpInstance {
  readonly name: string;
  /** Only of a running daemon: MASTER, BACKUP, FAULT. */
  readonly state: string | undefined;
  readonly virtualRouterId: number;
  readonly interface: string;
  readonly priority: number;
  /** Milliseconds between adverts. */
  readonly advertInterval: number;
  /** First 8 characters count. Secret: compared, never shown. */
  readonly password: string | undefined;
  /** Without prefix length, in the adverts. */
  readonly vips: readonly string[];
  readonly excluded: readonly string[];
}

export interface ConfiguredService {
  /** `TCP 192.168.0.38:80`, `UDP [2001:db8::38]:443`, `FWM 7`, `group web`. */
  readonly name: string;
  readonly scheduler: string;
  /** NAT, DR, TUN. */
  readonly forward: string;
  /** Seconds; 0: none. */
  readonly persistence: number;
  /** `192.168.0.18:80` -> weight. */
  readonly servers: ReadonlyMap<string, number>;
}

/**
 * The blocks of a keepalived.conf. What only some hosts read (`@name`) and other files that it includes are left out: our own files have none.
 * @throws LvsPlayError for braces that do not match
 */
export function confNodes(text: string, file: string): readonly ConfNode[] {
  return treeOf(expand(parseLines(text, file), { configId: '', include: () => [] }));
}

/** What a file says. */
export function configOf(nodes: readonly ConfNode[]): KeepalivedConfig {
  return {
    instances: nodes.filter(({ words }) => words[0] === 'vrrp_instance').map(instanceOf),
    services: nodes.filter(({ words }) => words[0] === 'virtual_server').map(serviceOf),
  };
}

function instanceOf(node: ConfNode): VrrpInstance {
  const one = (name: string): string | undefined => child(node, name)?.words[1];
  const authentication = child(node, 'authentication');
  const addresses = (name: string): string[] => (child(node, name)?.body ?? []).map(({ words }) => plainAddress(words[0] ?? ''));
  return {
    name: node.words[1] ?? '',
    state: undefined,
    virtualRouterId: Number(one('virtual_router_id')),
    interface: one('interface') ?? '',
    // keepalived's own defaults: 100 (255 for the owner of an address, which ours never is), one second.
    priority: Number(one('priority') ?? 100),
    advertInterval: Math.round(Number(one('advert_int') ?? 1) * 1000),
    password: authentication === undefined ? undefined : child(authentication, 'auth_pass')?.words[1]?.slice(0, 8),
    vips: addresses('virtual_ipaddress').sort(),
    excluded: addresses('virtual_ipaddress_excluded').sort(),
  };
}

function serviceOf(node: ConfNode): ConfiguredService {
  const one = (...names: string[]): string | undefined => names.map((name) => child(node, name)?.words[1]).find((word) => word !== undefined);
  const persistence = child(node, 'persistence_timeout');
  return {
    name: serviceTitle(node),
    scheduler: one('lb_algo', 'lvs_sched') ?? 'wlc',
    forward: (one('lb_kind', 'lvs_method') ?? 'NAT').toUpperCase(),
    persistence: persistence === undefined ? 0 : Number(persistence.words[1] ?? 360),
    servers: new Map(serversOf(node).map((server): [string, number] => [endpoint(server.words[1] ?? '', Number(server.words[2] ?? 0)), Number(child(server, 'weight')?.words[1] ?? 1)])),
  };
}

/** The real servers of a service's block. */
export function serversOf(service: ConfNode): readonly ConfNode[] {
  return (service.body ?? []).filter(({ words }) => words[0] === 'real_server');
}

/** How a service's block is named, as `ConfiguredService` is. */
export function serviceTitle(node: ConfNode): string {
  const [, first = '', second = ''] = node.words;
  if (first === 'fwmark') return `FWM ${second}`;
  if (first === 'group') return `group ${second}`;
  return `${(child(node, 'protocol')?.words[1] ?? 'TCP').toUpperCase()} ${endpoint(first, Number(second === '' ? 0 : second))}`;
}

/** The first statement or block of a name. */
export function child(node: ConfNode, name: string): ConfNode | undefined {
  return node.body?.find(({ words }) => words[0] === name);
}

/** `192.168.0.18:80`, `[2001:db8::18]:80`. */
export function endpoint(address: string, port: number): string {
  const plain = plainAddress(address);
  return plain.includes(':') ? `[${plain}]:${String(port)}` : `${plain}:${String(port)}`;
}

function plainAddress(written: string): string {
  const [address = ''] = written.split('/');
  return parseIp(address)?.address ?? address;
}
