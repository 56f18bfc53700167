import type { GoneServer, Impact, PairImpact, ServiceImpact } from './types.ts';

/** An impact as an operator would say it, one line each; empty: nothing that clients or directors would notice. Pure. */
export function impactWords(impact: Impact): string[] {
  return [
    ...impact.services.map(serviceWords),
    ...impact.pairs.map(pairWords),
    ...unitWords(impact),
    ...(impact.order.length === 0 ? [] : [`directors in this order: ${impact.order.map((hosts) => hosts.join(' and ')).join(', then ')}`]),
  ];
}

function serviceWords(service: ServiceImpact): string {
  const { change, gone, added, now, after } = service;
  if (change === 'removed') return `${service.service}: is removed${gone.length === 0 ? '' : `: ${gone.map(goneWords).join('; ')}`}`;
  if (change === 'new') return `${service.service}: is new, with ${count(after.servers, 'real server')}; ${oneMoreWords(service)}`;
  const verbs = [...gone.map((server) => `${server.how === 'removed' ? 'removes' : 'sets to weight 0'} ${goneWords(server)}`), ...(added.length === 0 ? [] : [`adds ${added.join(', ')}`])];
  const share = now.weight === 0 ? '' : ` (${String(Math.round((100 * after.weight) / now.weight))} % of the weight)`;
  const left = gone.length === 0 ? `${count(after.servers, 'real server')} then${share}` : `${String(after.servers)} of ${count(now.servers, 'real server')} left${share}`;
  const quorum = after.weight < service.quorum ? `below its quorum of ${String(service.quorum)}: ${service.hasSorryServer ? 'the sorry server answers' : 'it counts as down'}` : oneMoreWords(service);
  return `${service.service}: ${[...(verbs.length === 0 ? ['changes weights'] : verbs), left, quorum].join('; ')}`;
}

function goneWords({ server, active, inactive, templates }: GoneServer): string {
  const parts = [count(active, 'active connection'), ...(inactive === 0 ? [] : [`${String(inactive)} inactive`]), ...(templates === null ? [] : [count(templates, 'persistence template')])];
  return `${server}: ${parts.join(', ')}`;
}

function oneMoreWords({ afterOneMore }: ServiceImpact): string {
  return { served: 'when one more fails it is still served', 'sorry server': 'when one more fails the sorry server answers', nobody: 'when one more fails nobody answers' }[afterOneMore];
}

function pairWords({ pair, holder, unheard, election, synchronised, movesTo }: PairImpact): string {
  if (unheard !== undefined) return `${pair}: whether the virtual IPs move is not known, as nothing was heard from ${unheard.join(', ')}`;
  if (election === null && holder !== undefined && movesTo !== undefined) return `${pair}: the virtual IPs move from ${holder} to ${movesTo}, which takes over while ${holder} still serves; connections are ${synchronised ? 'synchronised' : 'not synchronised: those that are open are cut'}`;
  if (election === null) return `${pair}: no election; ${holder === undefined ? 'nobody holds the virtual IPs' : `the virtual IPs stay on ${holder}`}`;
  const lost = holder === undefined ? '' : synchronised ? '; connections are synchronised' : '; connections are not synchronised, so those that are open may break';
  return `${pair}: an election, as ${election.reason}: nobody answers for up to ${election.seconds.toFixed(2)} s${lost}`;
}

function unitWords({ units }: Impact): string[] {
  const groups = new Map<string, string[]>();
  for (const { host, unit, what } of units) {
    const text = what === 'reboots' ? what : `${what} ${unit.replace(/\.service$/, '')}`;
    groups.set(text, [...(groups.get(text) ?? []), host]);
  }
  return [...groups].map(([text, hosts]) => (text === 'reboots' ? `reboots ${hosts.join(', ')}` : `${text} on ${hosts.join(', ')}`));
}

function count(number: number, noun: string): string {
  return `${String(number)} ${noun}${number === 1 ? '' : 's'}`;
}
