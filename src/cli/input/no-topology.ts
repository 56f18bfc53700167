import { LvsPlayError } from '../../core/errors.ts';

/** An inventory without virtual services, where a command is about them. */
export function noTopology(): LvsPlayError {
  return new LvsPlayError({ code: 'no-topology', kind: 'input', message: 'there is nothing to verify: the inventory has no variable lvs', hint: 'describe HA pairs and virtual services under lvs' });
}
