import type { Position } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';

/** One line of an import's report. Never holds a secret. */
export interface Note {
  readonly kind: NoteKind;
  /** Of bugs: stable, kebab-case. */
  readonly id?: string;
  readonly position?: Position;
  /** Inventory name or address of the host concerned, when known. */
  readonly host?: string;
  /** What stands in the source, or what is concerned. */
  readonly text: string;
  /** What became of it and why. */
  readonly reason: string;
}

/**
 * `understood`: it is in the inventory. `changed`: the inventory does the same in another way, or leaves it out as needless. `bug`: a mistake
 * of the source, mended or to be looked at. `missing`: the source does not tell it; a guess or placeholder stands there.
 * `not-understood`: it is not in the inventory.
 */
export type NoteKind = 'understood' | 'changed' | 'bug' | 'missing' | 'not-understood';

/** What a command or a rule meant, or why it could not be read. */
export type Read = { readonly done: string } | { readonly ignored: string } | { readonly bug: string; readonly id: string } | { readonly unread: string };

/**
 * What one director's keepalived.conf says, in the shape of the inventory variable `lvs`, before hosts have names: several of these, and what
 * scripts and kernel tables say, are then put together into one inventory.
 */
export interface KeepalivedImport {
  /**
   * Every section of `lvs` but these differences: an entry of `ha_pairs` has no `members` (see `members`); of `virtual_services`, `on` is the name
   * of the pair whose VIPs hold the address, and is missing where none does (a single director's); `real_servers` are keyed by address, IPv6
   * without brackets, several ports of one address as `address#port`; a `sorry_server` has `address`; a service of a firewall mark has neither `on` nor
   * `endpoints` (see `marks`). Passwords stand where they belong.
   */
  readonly lvs: JsonObject;
  /** By pair: what is this director's own. */
  readonly members: ReadonlyMap<string, KeepalivedMember>;
  /** By service: what tells which packets it is about. */
  readonly marks: ReadonlyMap<string, KeepalivedMark>;
  readonly notes: readonly Note[];
}

/** `virtual_server fwmark N`. */
export interface KeepalivedMark {
  readonly mark: number;
  readonly family: 4 | 6;
  readonly position: Position;
  readonly text: string;
}

export interface KeepalivedMember {
  readonly priority: number;
  readonly interface: string;
  /** `unicast_src_ip` or `mcast_src_ip`. */
  readonly address: string | undefined;
  /** `unicast_peer`: the other members' addresses. */
  readonly peers: readonly string[];
  /** `state MASTER` or `BACKUP`, as written; it tells which of two files is whose, nothing more. */
  readonly state: 'MASTER' | 'BACKUP' | undefined;
}
