/** What one director's kernel told of its addresses while it was watched. Times are milliseconds of the controller's clock. */
export interface HolderLog {
  readonly host: string;
  readonly from: number;
  readonly to: number;
  /** Addresses at the beginning, without prefix length. */
  readonly initial: ReadonlySet<string>;
  readonly events: readonly { readonly at: number; readonly address: string; readonly gained: boolean }[];
  /** How far its times may be off. */
  readonly uncertainty: number;
}

/** Who held a virtual IP while a pair was changed; milliseconds. */
export interface VipTimeline {
  readonly vip: string;
  /** One after the other; those who held it at the same time as well. */
  readonly holders: readonly string[];
  /** For how long nobody held it, between two who did; and more than one. The longest single stretch of each. */
  readonly nobody: number;
  readonly several: number;
  /** Two clocks are compared: a stretch shorter than this may be none. */
  readonly uncertainty: number;
  /** Directors that could have held it and were not watched to the end. Absent: none. */
  readonly unwatched?: readonly string[];
}

/**
 * Lays the directors' logs side by side. A virtual IP that nobody holds yet when the watch begins, or no more when it ends, has not been lost: only the time
 * between its holders counts. Pure. @param unwatched directors that there is no log of
 */
export function timelines(vips: readonly string[], logs: readonly HolderLog[], unwatched: readonly string[] = []): VipTimeline[] {
  const uncertainty = Math.max(0, ...logs.map((log) => log.uncertainty));
  return vips.map((vip) => {
    const spans = logs.flatMap((log) => spansOf(vip, log)).sort((a, b) => a.from - b.from);
    let nobody = 0;
    let several = 0;
    let until: number | undefined;
    for (const span of spans) {
      if (until !== undefined) {
        nobody = Math.max(nobody, span.from - until);
        several = Math.max(several, Math.min(until, span.to) - span.from);
      }
      until = Math.max(until ?? span.to, span.to);
    }
    return { vip, holders: spans.map(({ host }) => host).filter((host, index, all) => host !== all[index - 1]), nobody, several, uncertainty, ...(unwatched.length === 0 ? {} : { unwatched }) };
  });
}

interface Span {
  readonly host: string;
  readonly from: number;
  readonly to: number;
}

function spansOf(vip: string, log: HolderLog): Span[] {
  const spans: Span[] = [];
  let since = log.initial.has(vip) ? log.from : undefined;
  for (const { at, address, gained } of log.events) {
    if (address !== vip) continue;
    if (gained) since ??= at;
    else if (since !== undefined) {
      spans.push({ host: log.host, from: since, to: at });
      since = undefined;
    }
  }
  return since === undefined ? spans : [...spans, { host: log.host, from: since, to: log.to }];
}

/** A timeline in words: `192.168.0.38 was held by lvs1 all the while`. Pure. */
export function timelineText(timeline: VipTimeline): string {
  const { vip, holders, unwatched = [] } = timeline;
  const unseen = `${unwatched.join(' and ')} ${unwatched.length === 1 ? 'was' : 'were'} not watched`;
  if (unwatched.length === 0) return watchedText(timeline);
  return holders.length === 0 ? `who held ${vip} is unknown: ${unseen}` : `${watchedText(timeline)}; ${unseen}`;
}

function watchedText({ vip, holders, nobody, several, uncertainty }: VipTimeline): string {
  if (holders.length === 0) return `${vip} was held by nobody`;
  const who = holders.length === 1 ? `${vip} was held by ${holders[0] ?? ''}` : `${vip} went from ${holders.join(' to ')}`;
  const clear = (milliseconds: number): boolean => milliseconds > uncertainty;
  const spans = [...(clear(nobody) ? [`nobody held it for ${seconds(nobody)}`] : []), ...(clear(several) ? [`two held it for ${seconds(several)}`] : [])];
  if (spans.length > 0) return `${who}; ${spans.join(', ')} (± ${seconds(uncertainty)})`;
  return holders.length === 1 ? `${who} all the while` : `${who} without a gap (± ${seconds(uncertainty)})`;
}

function seconds(milliseconds: number): string {
  return `${(Math.ceil(milliseconds / 10) / 100).toFixed(2)} s`;
}
