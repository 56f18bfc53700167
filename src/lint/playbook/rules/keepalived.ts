import { definePlaybookRules, type LintPlay, type LintTask, type PlaybookCommand } from '../types.ts';
import { play, playOf } from './examples.ts';
import { everywhere, short } from './tables.ts';

/** Rules about the daemon that holds the VIPs. */
export const keepalivedRules = definePlaybookRules([
  {
    id: 'keepalived-restart',
    severity: 'warning',
    summary: 'keepalived is restarted where a reload would do',
    why: 'A stop takes the VIPs and the IPVS table away, so that the other director takes over and the connections of this one are cut. A reload without a change was measured to lose nothing.',
    source: 'keepalived(8), SIGNALS; measured with keepalived 2.2.7',
    bad: play('§service: { name: keepalived, state: restarted }'),
    good: play('service: { name: keepalived, state: reloaded }'),
    check: ({ plays }) =>
      plays.flatMap(({ tasks }) =>
        tasks.flatMap((task) =>
          stops(task, ['restarted'], ['restart', 'try-restart', 'force-reload']).map((position) => ({ position, message: 'a restart of keepalived drops the VIPs and the IPVS table', hint: 'use state: reloaded; the module keepalived reloads by itself when its file has changed' })),
        ),
      ),
  },
  {
    id: 'keepalived-killed',
    severity: 'error',
    summary: 'keepalived is killed in a way that it cannot tidy up',
    why: 'It leaves the VIPs on the interface and sends no adverts. The other director takes over, and both hold them.',
    source: 'keepalived(8), SIGNALS; measured with keepalived 2.2.7 after a fatal error',
    bad: play('shell: §killall -9 keepalived'),
    good: play('service: { name: keepalived, state: stopped }'),
    check: (context) => everywhere(context, isKill, ({ text }) => ({ message: `${short(text)} leaves the VIPs where they are, and the other director takes them too`, hint: 'use service: { name: keepalived, state: stopped }' })),
  },
  {
    id: 'pair-at-once',
    severity: 'error',
    summary: 'all directors of a pair lose keepalived at the same time',
    why: 'Hosts of one batch work side by side. Commands that restart keepalived, stops and reboots that meet leave nobody to hold the VIPs. Restarts, upgrades and reboots by the modules service, package and reboot are made in turn.',
    source: 'docs/architecture.md; keepalived(8), SIGNALS',
    bad: playOf('hosts: lvs_directors', '§service: { name: keepalived, state: stopped }', 'command: §reboot'),
    good: playOf('hosts: lvs_directors\nserial: 1\norder: backup_first', 'command: reboot'),
    check: ({ plays, topology }) =>
      plays.flatMap((one) => {
        const pair = [...topology.pairs.values()].find(({ members }) => one.batches.some((batch) => members.length > 1 && members.every(({ host }) => batch.includes(host))));
        if (pair === undefined) return [];
        return one.tasks.flatMap((task) =>
          interruptions(task).map((position) => ({ position, message: `every director of ${pair.name} does this at the same time`, hint: 'add serial: 1 and order: backup_first to the play' })),
        );
      }),
  },
  {
    id: 'hosts-match-none',
    severity: 'warning',
    summary: 'a part of a play\'s host pattern matches nothing',
    why: 'The play does less than it says, or nothing, and succeeds.',
    source: 'docs/inventory.md; Ansible, Patterns: targeting hosts and groups',
    bad: playOf('§hosts: lvs_director', 'command: id\nchanged_when: false'),
    good: play('command: id\nchanged_when: false'),
    check: ({ plays }) => plays.flatMap(({ play: one, unmatched }: LintPlay) => unmatched.map((part) => ({ position: one.position, message: `no host and no group is called ${part}`, hint: 'lvs-play inventory --graph shows hosts and groups' }))),
  },
]);

/** Where a task stops keepalived, by the module `service` or by command. */
function stops({ task, commands }: LintTask, states: readonly string[], verbs: readonly string[]) {
  const { name, state } = task.args.value;
  const byModule = task.module === 'service' && isKeepalived(name) && typeof state === 'string' && states.includes(state);
  return [...(byModule ? [task.position] : []), ...commands.filter((command) => isUnitVerb(command, verbs)).map(({ position }) => position)];
}

function interruptions(task: LintTask) {
  const reboots = task.commands.filter(({ argv: [program = '', verb = ''] }) => ['reboot', 'shutdown', 'poweroff', 'halt'].includes(program) || (program === 'systemctl' && ['reboot', 'poweroff', 'halt'].includes(verb))).map(({ position }) => position);
  return [...stops(task, ['stopped'], ['restart', 'stop', 'try-restart', 'force-reload']), ...reboots];
}

function isUnitVerb({ argv: [program = '', first = '', second = ''] }: PlaybookCommand, verbs: readonly string[]): boolean {
  if (program === 'systemctl') return verbs.includes(first) && isKeepalived(second);
  if (program === 'service') return isKeepalived(first) && verbs.includes(second);
  return isKeepalived(program) && verbs.includes(first);
}

function isKill({ argv: [program = '', ...words] }: PlaybookCommand): boolean {
  const hard = words.some((word) => /^-(9|KILL|SIGKILL)$/.test(word)) || words.join(' ').includes('-s KILL') || words.join(' ').includes('-s 9');
  return ['kill', 'killall', 'pkill'].includes(program) && hard && words.some((word) => word.includes('keepalived'));
}

function isKeepalived(name: unknown): boolean {
  return name === 'keepalived' || name === 'keepalived.service';
}
