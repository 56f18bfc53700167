import type { Position } from '../../core/errors.ts';

/**
 * The checked LVS model: what the inventory's variable `lvs` means, with every host resolved. Immutable.
 * keepalived.conf, ipvsadm rules, sysctls, addresses and verification all derive from it.
 */
export interface Topology {
  readonly pairs: ReadonlyMap<string, HaPair>;
  readonly services: ReadonlyMap<string, VirtualService>;
  /** Directors by inventory name. */
  readonly directors: ReadonlyMap<string, Director>;
  readonly realServers: ReadonlyMap<string, RealServerHost>;
}

/** A VRRP instance and its members: two or more directors, one of which holds the VIPs. */
export interface HaPair {
  readonly name: string;
  readonly position: Position | undefined;
  readonly interface: string;
  /** 1-255, unique on one layer 2. */
  readonly virtualRouterId: number;
  /** Seconds between adverts. */
  readonly advertInt: number;
  /** Addresses with prefix length, e.g. `192.168.0.38/32`. */
  readonly vips: readonly string[];
  /** Highest priority first. */
  readonly members: readonly { readonly host: string; readonly priority: number }[];
  /** First 8 characters count. Secret. */
  readonly authPass: string | undefined;
  readonly preempt: boolean;
}

export type ForwardingMode = 'dr' | 'nat' | 'tun';
export type Protocol = 'tcp' | 'udp' | 'sctp';
export type Scheduler = 'rr' | 'wrr' | 'lc' | 'wlc' | 'lblc' | 'lblcr' | 'dh' | 'sh' | 'sed' | 'nq' | 'fo' | 'ovf' | 'mh' | 'twos';

export interface VirtualService {
  readonly name: string;
  readonly position: Position | undefined;
  /** Directors that carry it: a pair's members, or the one director named by `on`. */
  readonly directors: readonly string[];
  /** Name of the pair, undefined for a single director. */
  readonly pair: string | undefined;
  readonly protocol: Protocol;
  readonly vip: string;
  readonly port: number;
  readonly mode: ForwardingMode;
  readonly scheduler: Scheduler;
  /** Seconds; undefined: none. */
  readonly persistence: number | undefined;
  readonly realServers: readonly RealServer[];
  readonly healthCheck: HealthCheck;
  /** Seconds between checks of one server. */
  readonly checkInterval: number;
}

export interface RealServer {
  /** Inventory name. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** 0-2147483647; keepalived up to 2.0.20 takes at most 65535. */
  readonly weight: number;
}

/** Only TCP and HTTP for now. Times in seconds. */
export type HealthCheck =
  | { readonly type: 'tcp'; readonly connectTimeout: number; readonly retry: number; readonly delayBeforeRetry: number; readonly port: number | undefined }
  | {
      readonly type: 'http';
      readonly connectTimeout: number;
      readonly retry: number;
      readonly delayBeforeRetry: number;
      readonly port: number | undefined;
      readonly path: string;
      readonly status: number;
    }
  | { readonly type: 'none' };

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
  /** VIPs that a DR or TUN real server must carry itself, without prefix; sorted. */
  readonly vips: readonly { readonly vip: string; readonly mode: 'dr' | 'tun' }[];
}
