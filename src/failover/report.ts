import { timelineText } from '../lvs/change/timeline.ts';
import { type SyncState, syncWords } from '../lvs/failover/sync.ts';
import { pulseWords } from '../pulse/summary.ts';
import type { PulseReport } from '../pulse/types.ts';
import type { Missing, MissingHost } from '../observe/observation.ts';
import { hostNames, namesOfMissing } from '../observe/words.ts';
import type { ArpCount, Measured, PairsLook } from './hands.ts';
import type { Held } from './preflight.ts';

/** What a failover, a failback or a drill came to. A versioned document; spans are milliseconds. */
export interface FailoverReport {
  readonly version: 1;
  /** `failover`, `failback`, `drill crash`. */
  readonly what: string;
  /** Those that moved together. */
  readonly pairs: readonly string[];
  readonly from: string | null;
  readonly to: string;
  /** False: it holds them already. */
  readonly moved: boolean;
  readonly before: readonly VipHolders[];
  readonly after: readonly VipHolders[];
  /** Members that gave no answer afterwards, and how. */
  readonly unknown: readonly string[];
  readonly missing: readonly MissingHost[];
  /** Of a drill: when the harm was mended. */
  readonly mended?: readonly VipHolders[];
  /** What connection synchronisation had come to before; null: the pairs have none. */
  readonly sync: SyncState | null;
  /** What was seen meanwhile; null: nothing was done. */
  readonly measured: Omit<Measured, 'arps'> & { readonly arps: readonly NamedArps[] } | null;
  readonly bound: Bound;
}

export interface VipHolders {
  readonly vip: string;
  /** Those who say that they hold it. Null: nobody who answered does, and others did not answer. */
  readonly holders: readonly string[] | null;
}

/** Who gave no answer, for a report. Pure, as all here. */
export function shownMissing(missing: readonly Missing[]): Pick<FailoverReport, 'unknown' | 'missing'> {
  return { unknown: namesOfMissing(missing), missing: missing.map(({ host, kind }) => ({ host, kind })) };
}

export function shownHolders(held: readonly Held[]): VipHolders[] {
  return held.map(({ vip, holders, missing }) => ({ vip, holders: holders.length === 0 && missing.length > 0 ? null : holders }));
}

/** Gratuitous ARP by director; of a hardware address that is none's, by that. */
export type NamedArps = ArpCount;

/** How long VRRP takes to miss a MASTER that died (RFC 3768, 5.3.1), of the director that takes over. */
export interface Bound {
  readonly milliseconds: number;
  /** Seconds. */
  readonly advertInt: number;
  /** Of the director that takes over. */
  readonly priority: number;
}

/** Whose hardware addresses they are. Pure. */
export function namedArps(arps: readonly ArpCount[], look: PairsLook): NamedArps[] {
  const owner = (mac: string): string => look.each(({ macs }, host) => (macs.includes(mac) ? [host] : [])).flat()[0] ?? mac;
  return arps.map((one) => ('unseen' in one ? one : { vip: one.vip, from: Object.fromEntries(Object.entries(one.from).map(([mac, count]) => [owner(mac), count])) }));
}

/** For people, a line each. Pure. */
export function reportLines(report: FailoverReport): string[] {
  const { pairs, from, to, moved, measured } = report;
  const names = pairs.join(', ');
  if (measured === null) return [`${names}: ${to} holds ${pairs.length === 1 ? 'it' : 'them'} already: nothing to do`];
  if (!moved) return [`${names}: ${to} holds ${pairs.length === 1 ? 'it' : 'them'} as before, by the inventory again`];
  return [
    `${names}: ${from ?? 'nobody'} -> ${to}`,
    ...holderLines(report),
    ...measured.timelines.map(timelineText),
    ...measured.clients.map(clientWords),
    ...measured.untried.map(({ service, why }) => `${service}: not measured: ${why}`),
    ...(report.sync === null ? [] : [`before: ${syncWords(report.sync)}`]),
    ...measured.arps.map(arpWords),
    `VRRP takes up to ${seconds(report.bound.milliseconds)} to miss a MASTER that died: ${boundWords(report.bound)}`,
  ];
}

function holderLines({ before, after, mended, unknown }: FailoverReport): string[] {
  const who = (held: VipHolders | undefined): string => (held === undefined || held.holders === null ? 'unknown' : held.holders.length === 0 ? 'nobody' : held.holders.join(' and '));
  const of = (vip: string, all: readonly VipHolders[]): string => who(all.find((one) => one.vip === vip));
  return [
    ...before.map((held) => `${held.vip}: ${who(held)} before, ${of(held.vip, after)} after${mended === undefined ? '' : `, ${of(held.vip, mended)} when all was mended`}`),
    ...(unknown.length === 0 ? [] : [`${hostNames(unknown)} did not answer afterwards: what ${unknown.length === 1 ? 'it holds' : 'they hold'} is unknown`]),
  ];
}

/** Where no client was ever answered, a gap says nothing. */
function clientWords(report: PulseReport): string {
  return report.answered === 0 ? `${report.service}: not measured: no request was answered from here (${String(report.sent)} were sent)` : pulseWords(report);
}

function arpWords(count: NamedArps): string {
  if ('unseen' in count) return `gratuitous ARP for ${count.vip}: not measured: ${count.unseen}`;
  const heard = Object.entries(count.from);
  return `gratuitous ARP for ${count.vip}: ${heard.length === 0 ? 'none heard' : heard.map(([who, number]) => `${String(number)} from ${who}`).join(', ')}`;
}

/** `3 x 1 s + (256 - 100)/256 x 1 s`. */
function boundWords({ advertInt, priority }: Bound): string {
  return `3 x ${String(advertInt)} s + (256 - ${String(priority)})/256 x ${String(advertInt)} s`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
