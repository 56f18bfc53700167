import { type VipTimeline, timelineText } from '../lvs/change/timeline.ts';
import type { Check } from '../verify/types.ts';
import { pulseWords } from './summary.ts';
import type { PulseReport } from './types.ts';

/**
 * What clients lost while something was done. Requests that failed, and connections that were cut, fail the check. Pure, as all here.
 * @param tolerated milliseconds: requests may fail, and nobody may be answered, for so long at a stretch; connections may be cut then. Undefined: nothing may be lost
 */
export function judgePulse(pulse: PulseReport, tolerated: number | undefined): Check {
  const check = {
    name: 'during',
    subject: pulse.service,
    from: pulse.from,
    expected: tolerated === undefined ? 'no request is lost' : `no longer than ${String(tolerated)} ms at a stretch without answers`,
    measured: pulseWords(pulse).slice(pulse.service.length + 2),
  } as const;
  if (pulse.sent === 0) return { ...check, verdict: 'skip', reason: 'it was over before a request was sent' };
  const lost = pulse.sent - pulse.answered;
  const cut = pulse.held === null ? 0 : pulse.held.opened - pulse.held.alive;
  const faults = [...(lost > 0 ? [`${String(lost)} ${lost === 1 ? 'request' : 'requests'} failed`] : []), ...(cut > 0 ? [cut === 1 ? '1 connection was cut' : `${String(cut)} connections were cut`] : [])];
  const longest = Math.max(pulse.gap, pulse.troubled);
  if (tolerated === undefined) return faults.length === 0 ? { ...check, verdict: 'pass' } : { ...check, verdict: 'fail', reason: faults.join(', ') };
  if (pulse.answered === 0 || longest > tolerated) {
    const when = pulse.gapAt === null ? '' : `, from ${pulse.gapAt}`;
    return { ...check, verdict: 'fail', reason: longest === pulse.gap ? `nobody was answered for ${String(longest)} ms${when}` : `requests failed again and again for ${String(longest)} ms` };
  }
  return { ...check, verdict: 'pass', ...(faults.length === 0 ? {} : { reason: `tolerated: ${faults.join(', ')}` }) };
}

/**
 * Who held a virtual IP while something was done: never two at the same time. Nobody is for the requests to tell.
 * @param unwatched directors that could not be watched all the while
 */
export function judgeHolders(timeline: VipTimeline, unwatched: readonly string[]): Check {
  const check = { name: 'holders-during', subject: timeline.vip, expected: 'never held by two', measured: timelineText(timeline) } as const;
  if (timeline.several > timeline.uncertainty) return { ...check, verdict: 'fail', reason: 'two directors answered for it: an address of two MACs' };
  if (unwatched.length > 0) return { ...check, verdict: 'skip', reason: `${unwatched.join(', ')} could not be watched all the while` };
  if (timeline.holders.length === 0) return { ...check, verdict: 'fail', reason: 'no director held it at any moment' };
  return { ...check, verdict: 'pass' };
}
