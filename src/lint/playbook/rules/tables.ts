import { definePlaybookRules, type LintTask, type PlaybookCommand, type PlaybookContext, type PlaybookHit } from '../types.ts';
import { play } from './examples.ts';

/** Rules about tables that belong to others too: IPVS, the firewall. */
export const tableRules = definePlaybookRules([
  {
    id: 'flush-ipvs',
    severity: 'error',
    summary: 'the IPVS table is cleared',
    why: 'Every service of the host is gone at once, those of keepalived and of others too. keepalived does not look at the table again: it stays empty until keepalived is restarted.',
    source: 'ipvsadm(8), -C; measured with keepalived 2.2.7',
    bad: play('shell: §ipvsadm -C', 'copy:\n  dest: /usr/local/sbin/lvs_nat.sh\n  mode: "0755"\n  content: §|\n    #!/bin/sh\n    ipvsadm -C'),
    good: play('lvs_director: {}', 'command: ipvsadm -Ln\nchanged_when: false'),
    check: (context) => everywhere(context, clearsIpvs, ({ text }) => ({ message: `${short(text)} removes the services of others as well`, hint: 'remove your own services only (ipvsadm -D), or let lvs_director keep the table' })),
  },
  {
    id: 'flush-firewall',
    severity: 'warning',
    summary: 'rules of the firewall are flushed that others may have made',
    why: 'The marks and the masquerading of lvs-play, rules of containers and of the distribution\'s own firewall go along. Until they are loaded again, marked services get no packet and NAT real servers reach nobody.',
    source: 'iptables(8), -F; nft(8), flush ruleset; iptables-restore(8), -n',
    bad: play('shell: §iptables -t nat -F', 'command: §nft flush ruleset'),
    good: play('lvs_firewall: {}', 'command: iptables -t nat -F MY_CHAIN\nchanged_when: true'),
    check: (context) => everywhere(context, flushesFirewall, ({ text }) => ({ message: `${short(text)} removes rules that others have made`, hint: 'keep rules in a chain or table of their own and flush that one; lvs_firewall does so' })),
  },
  {
    id: 'ipvs-by-hand',
    severity: 'warning',
    summary: 'ipvsadm changes a table that keepalived fills',
    why: 'keepalived remembers what it has set, not what is there. The change lives until a health check fails and recovers or keepalived restarts, and a reload does not repair what was taken away.',
    source: 'keepalived, check/ipwrapper.c; measured with keepalived 2.2.7',
    bad: play('command: §ipvsadm -e -t 192.168.0.38:80 -r 192.168.0.18 -w 0'),
    good: play('lvs_director: {}'),
    check: (context) => {
      const owned = new Set([...context.topology.services.values()].filter(({ manager }) => manager === 'keepalived').flatMap(({ directors }) => directors));
      return context.plays
        .filter(({ hosts }) => hosts.some((host) => owned.has(host)))
        .flatMap(({ tasks }) => tasks.flatMap(({ commands }) => commands))
        .filter(({ argv: [program, first = ''] }) => program === 'ipvsadm' && /^(-[AEDaedR]|--(add|edit|delete)-(service|server)|--restore)/.test(first))
        .map(({ position, text }) => ({ position, message: `${short(text)} changes a table that keepalived fills`, hint: 'change the weight in the inventory and deploy: that lasts, and shows in the plan' }));
    },
  },
]);

/** A finding for each such command, run by a task or within a script that one copies. */
export function everywhere({ plays }: PlaybookContext, holds: (command: PlaybookCommand) => boolean, say: (command: PlaybookCommand) => Omit<PlaybookHit, 'position'>): readonly PlaybookHit[] {
  const all = (task: LintTask): readonly PlaybookCommand[] => [...task.commands, ...task.copied];
  return plays.flatMap(({ tasks }) => tasks.flatMap(all).filter(holds).map((command) => ({ position: command.position, ...say(command) })));
}

export function clearsIpvs({ argv: [program, ...words] }: PlaybookCommand): boolean {
  return program === 'ipvsadm' && words.some((word) => word === '-C' || word === '--clear');
}

/** Without a chain, or a built-in one; a chain of one's own may be flushed. */
export function flushesFirewall({ argv: [program = '', ...words] }: PlaybookCommand): boolean {
  if (program === 'nft') return words.join(' ').includes('flush ruleset');
  if (/^ip6?tables(-nft|-legacy)?-restore$/.test(program)) return !words.some((word) => word === '-n' || word === '--noflush' || word === '--test' || word === '-t');
  if (!/^ip6?tables(-nft|-legacy)?$/.test(program)) return false;
  const at = words.findIndex((word) => word === '-F' || word === '--flush');
  const chain = words[at + 1];
  return at >= 0 && (chain === undefined || chain.startsWith('-') || ['INPUT', 'OUTPUT', 'FORWARD', 'PREROUTING', 'POSTROUTING'].includes(chain));
}

/** A command for a message: on one line, and not too long. */
export function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= 60 ? line : `${line.slice(0, 57)}...`;
}
