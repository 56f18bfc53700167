import type { Topology } from '../model/topology.ts';
import { sharesOf } from './shares.ts';
import { type DrainWeight, isDrainWeight, weightUnder } from './record.ts';

/** On the way back: a first client or two, then a quarter. */
export const DEFAULT_RAMP = '1,25%,100%';

/** The steps before the whole weight, of `1,25%,100%`. Undefined: it is none. Pure. */
export function parseRamp(text: string): DrainWeight[] | undefined {
  const steps = text.split(',').map((step) => step.trim());
  if (!steps.every((step) => isDrainWeight(step) && step !== '0')) return undefined;
  return steps.at(-1) === '100%' ? steps.slice(0, -1) : steps;
}

/** Steps that give a server another weight somewhere than the one before, and less than the whole. Pure. */
export function stepsFor(topology: Topology, hosts: readonly string[], ramp: readonly DrainWeight[]): DrainWeight[] {
  const weights = hosts.flatMap((host) => sharesOf(topology, host).map(({ server }) => server.weight));
  const under = (step: DrainWeight): string => weights.map((weight) => weightUnder(step, weight)).join(' ');
  const whole = weights.join(' ');
  return ramp.filter((step, index) => under(step) !== whole && (index === 0 || under(step) !== under(ramp[index - 1] ?? '0')));
}
