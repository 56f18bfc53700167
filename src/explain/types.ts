import type { ForwardingMode, Protocol } from '../lvs/model/topology.ts';

/** The way of a client's packet through a virtual service and back. A versioned document; immutable. */
export interface Explanation {
  readonly version: 1;
  readonly service: string;
  readonly mode: ForwardingMode;
  readonly protocol: Protocol;
  /** What clients ask for: `192.168.0.38:80`; several with a firewall mark. */
  readonly endpoints: readonly string[];
  /** Sentences: how packets are told to be the service's, which real server is chosen, who holds the VIP. */
  readonly about: readonly string[];
  /** One for each real server; of a director that serves itself one for each case. */
  readonly paths: readonly PacketPath[];
}

export interface PacketPath {
  /** Inventory name. */
  readonly realServer: string;
  /** `192.168.0.18:80`. */
  readonly endpoint: string;
  readonly weight: number;
  /** Set where the path depends on who is active: `while lvs1 holds 192.168.0.38`. */
  readonly condition: string | undefined;
  readonly hops: readonly Hop[];
}

export type Role = 'client' | 'director' | 'real server';

export interface Hop {
  readonly from: Role;
  readonly to: Role;
  /** Hosts that it may leave from: a pair's members, of which the active one sends. Empty: the client. */
  readonly fromHosts: readonly string[];
  readonly toHosts: readonly string[];
  /** The packet on the wire, `CIP` standing for the client's address; undefined where none leaves the host. */
  readonly packet: Packet | undefined;
  /** What the sender of this hop changed in the packet, in words; empty: nothing. */
  readonly rewritten: readonly string[];
  readonly needs: readonly Need[];
}

export interface Packet {
  /** `CIP:port`, `192.168.0.38:80`. */
  readonly source: string;
  readonly destination: string;
  /** By role, as the MACs themselves are no part of an inventory. */
  readonly sourceMac: string;
  readonly destinationMac: string;
  /** The header around it in TUN. */
  readonly outer: { readonly encapsulation: string; readonly source: string; readonly destination: string } | undefined;
}

/** Something without which the packet does not take this hop. */
export interface Need {
  /** Where it has to hold; of several hosts see `probe`. */
  readonly hosts: readonly string[];
  readonly kind: 'address' | 'sysctl' | 'route' | 'port' | 'module' | 'table' | 'firewall';
  /** What has to be so. */
  readonly what: string;
  /** What happens else, or what it is for. */
  readonly why: string;
  readonly probe: Probe;
  /** With --live only. */
  readonly live?: Finding;
}

/** `unknown`: it cannot be judged from these hosts. */
export interface Finding {
  readonly verdict: 'holds' | 'broken' | 'unknown';
  /** What was found there, in words. */
  readonly found: string;
}

/** How a host can be asked whether a need holds. */
export type Probe =
  /** Exactly one of the hosts has it. */
  | { readonly type: 'one-holds'; readonly address: string }
  /** On the interface; undefined: on any. */
  | { readonly type: 'address'; readonly address: string; readonly interface: string | undefined }
  /** arp_ignore and arp_announce as the kernel combines them for the interface that has `rip`. */
  | { readonly type: 'arp-silent'; readonly rip: string }
  | { readonly type: 'sysctl'; readonly key: string; readonly accepts: readonly string[] }
  /** max of `all` and the interface is not 1. */
  | { readonly type: 'loose-rp-filter'; readonly interface: string }
  /** Neither `all` nor the interface towards `towards` sends redirects. */
  | { readonly type: 'no-redirects'; readonly towards: string }
  | { readonly type: 'module'; readonly name: string }
  /** The kernel's table has the service, and the server when one is named. */
  | { readonly type: 'table'; readonly service: string; readonly server: { readonly endpoint: string; readonly forward: ForwardingMode } | undefined }
  /** Without a gateway in between. */
  | { readonly type: 'on-link'; readonly address: string }
  | { readonly type: 'reachable'; readonly address: string }
  /** The default route is via one of the addresses; with none written, via any address of the directors. */
  | { readonly type: 'gateway'; readonly family: 4 | 6; readonly via: string | undefined; readonly directors: readonly string[] }
  | { readonly type: 'no-gateway'; readonly family: 4 | 6; readonly directors: readonly string[]; readonly addresses: readonly string[] }
  | { readonly type: 'listens'; readonly protocol: Protocol; readonly addresses: readonly string[]; readonly port: number }
  | { readonly type: 'mark'; readonly mark: number };
