import type { Found, Hit, LintInput } from '../types.ts';
import { LIVE_RULES } from './rules.ts';
import type { LiveContext } from './state.ts';

/** Runs every rule about live hosts. Pure. @param hosts directors and real servers; of those that gave no answer nothing is found, and nothing is said that their answers could change */
export function checkHosts({ topology, lvs }: LintInput, hosts: LiveContext['hosts']): readonly Found[] {
  return LIVE_RULES.flatMap((rule) =>
    once(rule.check({ topology, hosts })).map((hit) => ({ rule: rule.id, severity: hit.unjudged === true ? 'info' : rule.severity, message: hit.message, position: lvs.locate(hit.path, hit.of ?? 'value'), hint: hit.hint, place: hit.path })),
  );
}

/** A host has a fault once, however many services meet it: it is told where it comes first. */
function once(hits: readonly Hit[]): readonly Hit[] {
  return [...new Map([...hits].reverse().map((hit) => [hit.message, hit])).values()].reverse();
}
