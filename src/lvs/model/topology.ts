import type { Position } from '../../core/errors.ts';

/**
 * The checked LVS model: what the inventory's variable `lvs` means, with every host resolved and every default filled in.
 * Immutable. keepalived.conf, ipvsadm rules, sysctls, addresses, scripts and verification all derive from it. Times are in seconds.
 */
export interface Topology {
  readonly pairs: ReadonlyMap<string, HaPair>;
  readonly syncGroups: ReadonlyMap<string, SyncGroup>;
  readonly services: ReadonlyMap<string, VirtualService>;
  /** Networks behind NAT directors. */
  readonly natNetworks: ReadonlyMap<string, NatNetwork>;
  readonly trackers: Trackers;
  /** BFD sessions by name (keepalived's bfd_instance), on every director that uses them. */
  readonly bfd: ReadonlyMap<string, BfdInstance>;
  /** Scripts that are shipped to every director, by name. */
  readonly scripts: ReadonlyMap<string, ShippedScript>;
  /** IPVS settings of every director. */
  readonly ipvs: IpvsSettings;
  /** User that check, track and notify scripts run as where they name none; keepalived's `script_user`. Undefined: root. */
  readonly scriptUser: string | undefined;
  /** How real servers are drained where keepalived fills the table. */
  readonly drain: DrainSettings;
  /** Directors by inventory name. */
  readonly directors: ReadonlyMap<string, Director>;
  readonly realServers: ReadonlyMap<string, RealServerHost>;
}

/** A VRRP instance and its members: two or more directors, one of which holds the VIPs. */
export interface HaPair {
  readonly name: string;
  readonly position: Position | undefined;
  /** Where adverts are sent and, unless an address says otherwise, where the VIPs are. */
  readonly interface: string;
  /** 1-255, unique on one layer 2. */
  readonly virtualRouterId: number;
  /** VRRP version: 2 (IPv4 only) or 3. */
  readonly version: 2 | 3;
  /** Seconds between adverts. */
  readonly advertInt: number;
  /** In the adverts; all of one family, `virtual_ipaddress`. Never empty. */
  readonly vips: readonly VirtualAddress[];
  /** Moved with the VIPs but not in the adverts, of either family; `virtual_ipaddress_excluded`. */
  readonly excludedVips: readonly VirtualAddress[];
  /** Highest priority first. */
  readonly members: readonly PairMember[];
  /** First 8 characters count. Secret. */
  readonly authPass: string | undefined;
  readonly preempt: boolean;
  /** Seconds before a higher priority takes over; 0: at once. */
  readonly preemptDelay: number;
  /** Adverts go to the other members' addresses instead of a multicast group. */
  readonly unicast: boolean;
  /** Adverts leave and the VIPs answer with the virtual MAC 00:00:5e:00:01:VRID. */
  readonly vmac: { readonly interface: string | undefined; readonly advertsFromBase: boolean } | undefined;
  readonly garp: GarpSettings;
  readonly track: TrackUse;
  readonly notify: NotifyScripts;
  /** keepalived's virtual_routes and virtual_rules, each a line of ip(8) words. */
  readonly routes: readonly string[];
  readonly rules: readonly string[];
  /** Connection synchronisation between the members: IPVS master daemon on the holder, backup daemon on the others. */
  readonly connectionSync: ConnectionSync | undefined;
}

export interface PairMember {
  readonly host: string;
  /** 1-254. */
  readonly priority: number;
  /** The member's own, where it differs from the pair's. */
  readonly interface: string;
  /** Source of its adverts and where the others send theirs (unicast). */
  readonly address: string;
}

export interface VirtualAddress {
  /** Without prefix, shortest form. */
  readonly address: string;
  readonly prefix: number;
  /** Where it is put; undefined: the member's interface. */
  readonly interface: string | undefined;
}

/** Every address that moves with a pair, those in the adverts first. */
export function addressesOf(pair: HaPair): readonly VirtualAddress[] {
  return [...pair.vips, ...pair.excludedVips];
}

/** `192.168.0.38/32`. */
export function cidrOf(vip: VirtualAddress): string {
  return `${vip.address}/${String(vip.prefix)}`;
}

/** Gratuitous ARP; undefined: keepalived's default. Counts, and seconds. */
export interface GarpSettings {
  readonly delay: number | undefined;
  readonly repeat: number | undefined;
  readonly refresh: number | undefined;
  readonly refreshRepeat: number | undefined;
  readonly lowerPriorityRepeat: number | undefined;
}

/** What a VRRP instance or sync group watches. A weight of undefined: its failure means FAULT; else it changes the priority. */
export interface TrackUse {
  readonly interfaces: readonly TrackItem[];
  readonly scripts: readonly TrackItem[];
  readonly files: readonly TrackItem[];
  readonly processes: readonly TrackItem[];
  readonly bfd: readonly TrackItem[];
}
export interface TrackItem {
  readonly name: string;
  /** -253 to 253. */
  readonly weight: number | undefined;
}

/** Definitions that TrackUse names. */
export interface Trackers {
  readonly scripts: ReadonlyMap<string, TrackScript>;
  readonly files: ReadonlyMap<string, { readonly name: string; readonly file: string; readonly weight: number | undefined }>;
  readonly processes: ReadonlyMap<string, TrackProcess>;
}
export interface TrackScript {
  readonly name: string;
  readonly command: ScriptCommand;
  readonly interval: number;
  readonly timeout: number | undefined;
  readonly weight: number | undefined;
  /** Results in a row for a change of state. */
  readonly fall: number;
  readonly rise: number;
}
export interface TrackProcess {
  readonly name: string;
  readonly process: string;
  readonly weight: number | undefined;
  /** How many must run. */
  readonly quorum: number;
}

/** Folder of shipped scripts on a director; it and all in it belong to root, and nobody else may write there (keepalived's script security). */
export const SCRIPT_FOLDER = '/usr/local/libexec/lvs-play';

/** A script of the inventory's own, put to `SCRIPT_FOLDER/NAME`, root:root 0755. */
export interface ShippedScript {
  readonly name: string;
  /** With its #! line. */
  readonly content: string;
}

/** A program with its arguments, run by keepalived without a shell. `argv[0]` is an absolute path on the director. */
export interface ScriptCommand {
  readonly argv: readonly string[];
  readonly user: string | undefined;
}

export interface NotifyScripts {
  readonly master: ScriptCommand | undefined;
  readonly backup: ScriptCommand | undefined;
  readonly fault: ScriptCommand | undefined;
  readonly stop: ScriptCommand | undefined;
  /** Every transition, with type, name, state and priority appended. */
  readonly any: ScriptCommand | undefined;
}

/** Pairs that move together (vrrp_sync_group). */
export interface SyncGroup {
  readonly name: string;
  readonly position: Position | undefined;
  /** Names of pairs with the same members. */
  readonly pairs: readonly string[];
  readonly track: TrackUse;
  readonly notify: NotifyScripts;
}

export interface ConnectionSync {
  readonly interface: string;
  /** 0-255, the same on all members. */
  readonly syncId: number;
  /** UDP port; undefined: 8848. */
  readonly port: number | undefined;
  /** undefined: 224.0.0.81. */
  readonly group: string | undefined;
  readonly ttl: number | undefined;
  readonly maxlen: number | undefined;
}

export type ForwardingMode = 'dr' | 'nat' | 'tun';
export type Protocol = 'tcp' | 'udp' | 'sctp';
export type Scheduler = 'rr' | 'wrr' | 'lc' | 'wlc' | 'lblc' | 'lblcr' | 'dh' | 'sh' | 'sed' | 'nq' | 'fo' | 'ovf' | 'mh' | 'twos';
export type SchedulerFlag = 'sh-port' | 'sh-fallback' | 'mh-port' | 'mh-fallback';

/** What fills a director's IPVS table for a service. The two never share a service, nor touch each other's. */
export type ServiceManager =
  /** keepalived, with health checks. */
  | 'keepalived'
  /** A script of ours run at boot by systemd; no health checks. Only for a single director. */
  | 'script';

export interface VirtualService {
  readonly name: string;
  readonly position: Position | undefined;
  readonly manager: ServiceManager;
  /** Directors that carry it: a pair's members, or the one director named by `on`. */
  readonly directors: readonly string[];
  /** Name of the pair, undefined for a single director. */
  readonly pair: string | undefined;
  /** How clients' packets are told to be this service's. */
  readonly match: ServiceMatch;
  readonly protocol: Protocol;
  /** The first (for most services the only) VIP; shortest form. */
  readonly vip: string;
  /** 0: all ports (persistence only). Of a fwmark service: the first endpoint's. */
  readonly port: number;
  /** Interface on which a single director carries the VIP itself (/32 or /128); undefined: with a pair, or where it is the director's own address. */
  readonly vipInterface: string | undefined;
  readonly mode: ForwardingMode;
  /** Of mode `tun`. */
  readonly tunnel: Tunnel;
  readonly scheduler: Scheduler;
  readonly schedulerFlags: readonly SchedulerFlag[];
  /** One-packet scheduling (UDP, or a mark of UDP). */
  readonly onePacket: boolean;
  readonly persistence: Persistence | undefined;
  readonly realServers: readonly RealServer[];
  readonly sorryServer: SorryServer | undefined;
  /** Sum of the weights of live servers that the service needs; `hysteresis` is added on the way up and subtracted on the way down. */
  readonly quorum: { readonly count: number; readonly hysteresis: number; readonly up: ScriptCommand | undefined; readonly down: ScriptCommand | undefined };
  /** Servers count as dead until their first good check. */
  readonly alpha: boolean;
  /** keepalived runs the down scripts and quorum actions when it stops. */
  readonly omega: boolean;
  /** A failed server gets weight 0 and keeps its connections, instead of being removed. */
  readonly inhibitOnFailure: boolean;
  /** Of every real server that has none of its own; all must pass. Empty: none. */
  readonly healthChecks: readonly HealthCheck[];
  /** Seconds between checks of one server. */
  readonly checkInterval: number;
  /** Connection-tracking helper the protocol needs on the director (NAT); `ip_vs_ftp`. */
  readonly helper: 'ftp' | undefined;
}

/**
 * `address`: one protocol, address and port. `fwmark`: packets to any of `endpoints` get the mark in the mangle table; IPVS sees the mark only.
 */
export type ServiceMatch =
  | { readonly kind: 'address' }
  | { readonly kind: 'fwmark'; readonly mark: number; readonly family: 4 | 6; readonly endpoints: readonly MarkedEndpoint[] };

export interface MarkedEndpoint {
  readonly protocol: Protocol;
  readonly address: string;
  /** 0: all ports. */
  readonly port: number;
}

export interface Persistence {
  /** Seconds. */
  readonly timeout: number;
  /** Clients of one network stay together: prefix length, 32 or 128 for each client alone. */
  readonly prefix: number;
  /** Persistence engine, `sip`: by Call-ID (UDP). */
  readonly engine: 'sip' | undefined;
}

/** How TUN packets reach the real servers. GUE needs Linux 5.2, GRE 5.3, and keepalived 2.0.18 or ipvsadm 1.30. */
export interface Tunnel {
  readonly type: 'ipip' | 'gue' | 'gre';
  /** UDP port of GUE. */
  readonly port: number | undefined;
  readonly checksum: 'none' | 'csum' | 'remcsum';
}

export interface RealServer {
  /** Inventory name. */
  readonly host: string;
  readonly address: string;
  /** 0 for a fwmark service that is not NAT. */
  readonly port: number;
  /** 0-2147483647; keepalived up to 2.0.20 takes at most 65535. */
  readonly weight: number;
  /** Connections at which it gets no more, and at which it gets some again; 0: no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** The service's, or its own. */
  readonly inhibitOnFailure: boolean;
  /** Its own; undefined: the service's. */
  readonly healthChecks: readonly HealthCheck[] | undefined;
  readonly onUp: ScriptCommand | undefined;
  readonly onDown: ScriptCommand | undefined;
}

/** The checks of one real server: its own, else its service's. */
export function checksOf(service: VirtualService, server: RealServer): readonly HealthCheck[] {
  return server.healthChecks ?? service.healthChecks;
}

/** Serves when the quorum is lost. Not necessarily a host of the inventory. */
export interface SorryServer {
  /** Inventory name, when it is one. */
  readonly host: string | undefined;
  readonly address: string;
  readonly port: number;
  readonly mode: ForwardingMode;
  /** Real servers get weight 0 instead of being removed when it takes over. */
  readonly inhibit: boolean;
}

/** Times in seconds. `port`: the real server's own when undefined. */
export type HealthCheck = CheckTiming &
  (
    | ({ readonly type: 'tcp' } & CheckPlace)
    | ({ readonly type: 'http' | 'ssl' } & CheckPlace & {
          /** `ssl` is HTTP over TLS; certificates are not checked. */
          readonly urls: readonly HttpUrl[];
          readonly virtualHost: string | undefined;
          readonly httpVersion: '1.0' | '1.1' | undefined;
        })
    | ({ readonly type: 'smtp'; readonly heloName: string | undefined } & CheckPlace)
    | ({ readonly type: 'dns'; readonly recordType: string; readonly name: string } & CheckPlace)
    | { readonly type: 'ping'; readonly host: string | undefined }
    | ({ readonly type: 'udp'; readonly payload: string | undefined; readonly requireReply: boolean } & CheckPlace)
    | { readonly type: 'misc'; readonly command: ScriptCommand; readonly timeout: number | undefined; readonly dynamicWeight: boolean }
    /** Without a weight (here or in Trackers.files) healthy while the file's number is 0; with one, number × weight is added to the server's weight. */
    | { readonly type: 'file'; readonly trackFile: string; readonly weight: number | undefined }
    | { readonly type: 'bfd'; readonly instance: string }
  );

interface CheckTiming {
  /** Where the check has one; keepalived's default 5. */
  readonly connectTimeout: number;
  /** Failures after the first before it counts. */
  readonly retry: number;
  readonly delayBeforeRetry: number;
  /** Between checks of this kind; undefined: the service's checkInterval. */
  readonly delayLoop: number | undefined;
  /** Random time up to which the first check waits; undefined: keepalived's own. */
  readonly warmup: number | undefined;
}

interface CheckPlace {
  readonly port: number | undefined;
  /** Address asked instead of the real server's. */
  readonly address: string | undefined;
}

export interface HttpUrl {
  readonly path: string;
  /** Status codes accepted, as keepalived writes them: `200`, `200-299`; empty: 200. */
  readonly status: readonly string[];
  /** MD5 of the body, 32 hex digits, as genhash prints it. */
  readonly digest: string | undefined;
  /**
   * PCRE2 that must match within the body; `regexAbsent`: must not. keepalived tries it on the headers too when they come in one packet with the body
   * (check_http.c, seen with 2.2.7), so that an anchor at the beginning holds by chance; `(?m)^` is safe.
   */
  readonly regex: string | undefined;
  readonly regexAbsent: boolean;
}

/** keepalived's bfd_instance. Milliseconds, as its own. */
export interface BfdInstance {
  readonly name: string;
  readonly neighbor: string;
  readonly source: string | undefined;
  readonly minRx: number | undefined;
  readonly minTx: number | undefined;
  readonly idleTx: number | undefined;
  readonly multiplier: number | undefined;
  readonly passive: boolean;
}

export interface IpvsSettings {
  /** `ipvsadm --set`; undefined: left as they are. */
  readonly timeouts: { readonly tcp: number; readonly tcpFin: number; readonly udp: number } | undefined;
  /** Below net.ipv4.vs, name -> value, beside what the model sets of itself. */
  readonly sysctls: Readonly<Record<string, string>>;
}

/** `auto`: what the director's version of keepalived can do (see lvs/drain/method.ts). `reload`: weight 0 in its file. `flag`: a flag file that it watches. */
export interface DrainSettings {
  readonly method: 'auto' | 'reload' | 'flag';
  readonly position: Position | undefined;
}

/** A network of real servers whose way out is a NAT director. */
export interface NatNetwork {
  readonly name: string;
  readonly position: Position | undefined;
  readonly directors: readonly string[];
  /** Name of the pair that holds the gateway, undefined for a single director. */
  readonly pair: string | undefined;
  /** `192.168.0.0/24`. */
  readonly network: string;
  /** The director's inside address; with a pair the floating one. The default route of every NAT real server in `network`. */
  readonly gateway: string;
  /** Connections that the real servers open themselves leave with a director's address. */
  readonly masquerade: boolean;
}

export interface Director {
  readonly host: string;
  /** DIP: `lvs_address`, else `ansible_host` when that is an address. */
  readonly address: string;
  readonly pairs: readonly string[];
  readonly services: readonly string[];
}

export interface RealServerHost {
  readonly host: string;
  /** RIP. */
  readonly address: string;
  /** VIPs that a DR or TUN real server must carry itself, without prefix; sorted. Of TUN: how its packets come, and to which address (a service may name another RIP). */
  readonly vips: readonly { readonly vip: string; readonly mode: 'dr' | 'tun'; readonly tunnel: Tunnel; readonly rip: string }[];
  /** Next hop of its default route, for NAT; undefined: not ours to set. */
  readonly gateway: string | undefined;
}
