import { commandsOf } from '../playbook/commands.ts';
import { clearsIpvs, flushesFirewall } from '../playbook/rules/tables.ts';
import { defineRules } from '../types.ts';
import { pair } from './examples.ts';

const NOTIFY = pair('notify: { backup: [tidy] }');

/** Rules about the scripts that keepalived runs. */
export const scriptRules = defineRules([
  {
    id: 'script-flushes',
    severity: 'error',
    summary: 'a script of lvs.scripts clears tables that others use too',
    why: 'keepalived runs it when its state changes: the IPVS table that keepalived has filled itself, or rules of the firewall that others have made, are gone just then.',
    source: 'ipvsadm(8), -C; iptables(8), -F; measured with keepalived 2.2.7',
    bad: `scripts:\n  tidy: §|\n    #!/bin/sh\n    ipvsadm -C\n${NOTIFY}`,
    good: `scripts:\n  tidy: |\n    #!/bin/sh\n    logger "no longer MASTER"\n${NOTIFY}`,
    check: ({ topology }) =>
      [...topology.scripts.values()].flatMap(({ name, content }) => {
        const found = commandsOf(content, name).find((command) => clearsIpvs(command) || flushesFirewall(command));
        return found === undefined ? [] : [{ path: ['scripts', name], message: `script ${name} runs ${found.text} (its line ${String(found.position.line)})`, hint: 'remove your own services or rules only' }];
      }),
  },
]);
