import { FIREWALL_SCRIPT } from '../../../lvs/host/firewall/firewall.ts';
import { FIREWALL_LISTING } from '../../../lvs/host/firewall/script.ts';
import type { Numbered, UndoKind } from '../contract.ts';

/** Our own firewall rules, by our own script: nobody else's are read or touched. State: a checksum of their listing, `none` for no rule. */
export const firewallKind: UndoKind = {
  name: 'firewall',
  state: (keys) => ['choose', 'rules=$(listing)', ...keys.map(({ id }) => `if [ -z "$rules" ]; then echo ${String(id)} none; else printf '%s %s\\n' ${String(id)} "$(printf %s "$rules" | sha256sum | cut -c 1-64)"; fi`)].join('\n'),
  restore: {
    // While the script that made them is still there.
    stop: (keys) => run(keys, '= none', 'stop'),
    network: (keys) => run(keys, '!= none', 'reload'),
  },
};

function run(keys: readonly Numbered[], was: string, verb: 'stop' | 'reload'): string {
  return keys.map(({ id }) => `if differs ${String(id)} && [ "$was_${String(id)}" ${was} ] && [ -x ${FIREWALL_SCRIPT} ]; then ${FIREWALL_SCRIPT} ${verb} >>"$log" 2>&1; fi`).join('\n');
}

/** Functions of sh for our firewall rules. */
export const FIREWALL_LIBRARY = FIREWALL_LISTING;
