import type { Position } from '../../core/errors.ts';
import type { Protocol } from '../../lvs/model/topology.ts';
import type { IpvsDestination, IpvsService } from '../../lvs/ipvs/types.ts';
import type { HostRule, Ruleset } from '../firewall/rule.ts';
import type { Note, Read } from '../types.ts';

/** What sources say one host is made to do; filled command by command. */
export interface HostSetup {
  /** Its name, when the caller knows whose file it is. */
  readonly name: string | undefined;
  /** Of its own, when known. */
  readonly ownAddress: string | undefined;
  readonly services: ServiceSetup[];
  readonly addresses: AddressSetup[];
  readonly sysctls: SysctlSetup[];
  /** Of a network, or of whatever leaves by an interface; `ours`: by a rule of lvs-play. */
  readonly masquerades: { readonly network: string | undefined; readonly output: string | undefined; readonly position: Position; readonly ours: boolean }[];
  readonly marks: { readonly mark: number; readonly protocol: Protocol; readonly address: string; readonly port: number; readonly position: Position; readonly ours: boolean }[];
  /** Next hops of default routes. */
  readonly gateways: { readonly via: string; readonly position: Position }[];
  /** What a live host's firewall has beside the rules of lvs-play. */
  readonly firewall: LiveFirewall;
  timeouts: { readonly tcp: number; readonly tcp_fin: number; readonly udp: number } | undefined;
  /** Addresses for which ARP is kept silent by arptables. */
  readonly silent: Set<string>;
  readonly notes: Note[];
}

/** A virtual service with its place; servers keep theirs. */
export interface ServiceSetup extends Omit<IpvsService, 'destinations'> {
  readonly position: Position;
  readonly destinations: (IpvsDestination & { readonly position: Position })[];
}

/** Rules of others on a live host: told when the cluster uses or meets them. */
export interface LiveFirewall {
  /** `read`: what was taken of it; undefined: it neither masquerades nor marks. */
  readonly rules: { readonly rule: HostRule; readonly read: Read | undefined }[];
  readonly idle: HostRule[];
  readonly dropping: Ruleset['dropping'][number][];
  readonly sets: Map<string, string>;
}

export interface AddressSetup {
  /** Without alias: `eth0` for `eth0:0`. */
  readonly interface: string;
  readonly address: string;
  readonly prefix: number;
  readonly position: Position;
  /** Place in the order of all that the host is told. */
  readonly order: number;
}

export interface SysctlSetup {
  /** `net/ipv4/conf/lo/arp_ignore`. */
  readonly key: string;
  readonly value: string;
  readonly position: Position;
  readonly order: number;
  /** Set by a command, which a reboot undoes, instead of a file of sysctl. */
  readonly transient: boolean;
}

export function emptySetup(name: string | undefined, ownAddress: string | undefined): HostSetup {
  return { name, ownAddress, services: [], addresses: [], sysctls: [], masquerades: [], marks: [], gateways: [], firewall: { rules: [], idle: [], dropping: [], sets: new Map() }, timeouts: undefined, silent: new Set(), notes: [] };
}
