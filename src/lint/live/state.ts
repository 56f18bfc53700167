import type { Ruleset } from '../../import/firewall/rule.ts';
import type { InterfaceAddress } from '../../lvs/host/addresses.ts';
import type { KeepalivedVersion } from '../../lvs/keepalived/version.ts';
import type { Observation } from '../../observe/observation.ts';
import type { LintContext } from '../types.ts';

/** What rules about live hosts look at. */
export interface LiveContext extends LintContext {
  /** Every director and real server. */
  readonly hosts: Observation<LiveState>;
}

/** An answer, or why there is none. What a host could not tell is never taken for good. */
export type Told<T> = { readonly value: T } | { readonly untold: string };

/** What a host answered; of things that its part in the cluster does not need, nothing. Immutable. */
export interface LiveState {
  readonly host: string;
  readonly addresses: readonly InterfaceAddress[];
  /** Below /proc/sys, by path: `net/ipv4/ip_forward` -> `1`. */
  readonly sysctls: ReadonlyMap<string, string>;
  readonly links: ReadonlyMap<string, Link>;
  /** Asked address -> the way there; no entry: no route. */
  readonly routes: ReadonlyMap<string, Route>;
  readonly defaults: ReadonlyMap<4 | 6, Route>;
  /** Who answers for VIPs, as this host has learnt it. */
  readonly neighbours: readonly { readonly address: string; readonly mac: string }[];
  readonly modules: ReadonlyMap<string, ModuleState>;
  /** Undefined: not asked. */
  readonly keepalived: Told<KeepalivedVersion> | undefined;
  readonly firewall: Told<readonly Ruleset[]> | undefined;
  /** By interface: the VRRP adverts of some seconds, each once. */
  readonly adverts: ReadonlyMap<string, Told<readonly Advert[]>>;
  /** Entries of IPVS's connection table whose clients may be in a network of NAT real servers. */
  readonly connections: readonly Connection[];
}

export interface Link {
  readonly mtu: number;
  /** '' for an interface without one. */
  readonly mac: string;
}

export interface Route {
  readonly device: string;
  readonly via: string | undefined;
  /** Set by the route, or learnt by path MTU discovery. */
  readonly mtu: number | undefined;
}

/** `available`: it can be loaded. */
export type ModuleState = 'loaded' | 'available' | 'missing';

export interface Advert {
  readonly source: string;
  readonly virtualRouterId: number;
  readonly version: 2 | 3;
  readonly priority: number;
}

export interface Connection {
  readonly protocol: string;
  readonly client: string;
  readonly vip: string;
  readonly server: string;
  /** As IPVS names it: `SYN_RECV`. */
  readonly state: string;
}
