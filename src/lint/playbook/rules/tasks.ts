import type { Position } from '../../../core/errors.ts';
import { definePlaybookRules, type LintTask } from '../types.ts';
import { play, playOf } from './examples.ts';

/** Rules about single tasks. */
export const taskRules = definePlaybookRules([
  {
    id: 'arp-on-lo-only',
    severity: 'error',
    summary: 'arp_ignore or arp_announce is set on lo alone',
    why: 'The kernel takes the higher value of "all" and of the interface that the request comes in by. On lo it changes nothing: the real server answers ARP for the VIP, and clients reach it past the director.',
    source: 'Linux, Documentation/networking/ip-sysctl.rst, arp_ignore; measured on Linux 6.1',
    bad: playOf('hosts: lvs_real_servers', '§sysctl: { name: net.ipv4.conf.lo.arp_ignore, value: 1 }', 'shell: §sysctl -w net.ipv4.conf.lo.arp_announce=2'),
    good: playOf('hosts: lvs_real_servers', 'sysctl: { name: net.ipv4.conf.all.arp_ignore, value: 1 }', 'sysctl: { name: net.ipv4.conf.all.arp_announce, value: 2 }'),
    check: ({ plays }) => {
      const everywhere = new Set(plays.flatMap(({ tasks }) => tasks.flatMap(arpSettings)).filter(({ device }) => device !== 'lo' && device !== 'default').map(({ key }) => key));
      return plays.flatMap(({ tasks }) =>
        tasks.flatMap((task) => {
          const [found] = arpSettings(task).filter(({ device, key }) => device === 'lo' && !everywhere.has(key));
          return found === undefined ? [] : [{ position: placeOf(task), message: `${found.key} on lo has no effect on ARP requests that come from the network`, hint: `set net.ipv4.conf.all.${found.key} before the VIP is put on lo; lvs_real_server does both` }];
        }),
      );
    },
  },
  {
    id: 'vip-before-arp',
    severity: 'warning',
    summary: 'an address comes onto lo before the ARP settings',
    why: 'In between the real server announces the VIP and answers ARP for it. Clients and routers that have learnt its MAC reach it past the director until their entry ends.',
    source: 'Linux, Documentation/networking/ip-sysctl.rst, arp_ignore and arp_announce; measured on Linux 6.1',
    bad: playOf('hosts: lvs_real_servers', 'shell: §ip addr add 192.168.0.38/32 dev lo', 'sysctl: { name: net.ipv4.conf.all.arp_ignore, value: 1 }'),
    good: playOf('hosts: lvs_real_servers', 'sysctl: { name: net.ipv4.conf.all.arp_ignore, value: 1 }', 'shell: ip addr add 192.168.0.38/32 dev lo'),
    check: ({ plays }) =>
      plays.flatMap(({ tasks }) => {
        const settings = tasks.findIndex((task) => arpSettings(task).some(({ device, key }) => device !== 'lo' && key === 'arp_ignore'));
        return tasks.slice(0, Math.max(0, settings)).filter(addsToLoopback).map((task) => ({ position: placeOf(task), message: 'the host answers ARP for this address until arp_ignore is set', hint: 'put the task with arp_ignore and arp_announce first; lvs_real_server does both in order' }));
      }),
  },
  {
    id: 'secret-in-command',
    severity: 'warning',
    summary: 'a secret is an argument of a command',
    why: 'Every user of the host sees the arguments of processes in ps and /proc, and some are logged. no_log only keeps them from the controller\'s screen.',
    source: 'proc(5), /proc/PID/cmdline',
    bad: play('command: §/usr/local/bin/rotate --key {{ db_key }}\nchanged_when: true\nno_log: true'),
    good: play('command: /usr/local/bin/rotate --key-from-stdin\nargs: { stdin: "{{ db_key }}" }\nchanged_when: true\nno_log: true'),
    check: ({ plays, isSecret }) =>
      plays.flatMap(({ tasks }) =>
        tasks.flatMap(({ task }) => {
          if (task.module !== 'command' && task.module !== 'shell') return [];
          const { cmd, argv } = task.args.value;
          const name = variablesIn([cmd, argv]).find(isSecret);
          return name === undefined ? [] : [{ position: task.args.locate([argv === undefined ? 'cmd' : 'argv']) ?? task.position, message: `${name} can be read on the host while this runs`, hint: 'give it by stdin:, or copy it to a file with mode "0600"' }];
        }),
      ),
  },
  {
    id: 'secret-without-no-log',
    severity: 'info',
    summary: 'a task that gives a secret to a program shows what it prints',
    why: 'The secret itself is masked, in plain and in base64. What a program prints of it in another form is not known for one.',
    source: 'docs/decisions.md',
    bad: play('§command: /usr/local/bin/rotate\nargs: { stdin: "{{ db_key }}" }\nchanged_when: true'),
    good: play('command: /usr/local/bin/rotate\nargs: { stdin: "{{ db_key }}" }\nchanged_when: true\nno_log: true'),
    check: ({ plays, isSecret }) =>
      plays.flatMap(({ tasks }) =>
        tasks.flatMap(({ task }) => {
          if (task.noLog || !['command', 'shell', 'uri'].includes(task.module)) return [];
          const name = variablesIn([task.args.value, task.environment?.value]).find(isSecret);
          return name === undefined ? [] : [{ position: task.position, message: `"${task.name}" is given ${name} and its output is shown`, hint: 'add no_log: true' }];
        }),
      ),
  },
  {
    id: 'ignored-proof',
    severity: 'warning',
    summary: 'a failed verification is ignored',
    why: 'The run ends well although clients do not reach the service.',
    source: 'docs/architecture.md',
    bad: playOf('hosts: localhost', '§lvs_verify:\nignore_errors: true').replace('  become: true\n', ''),
    good: playOf('hosts: localhost', 'lvs_verify:').replace('  become: true\n', ''),
    check: ({ plays }) =>
      plays.flatMap(({ tasks }) =>
        tasks
          .filter(({ task }) => task.module === 'lvs_verify' && (task.ignoreErrors || task.failedWhen?.value === false))
          .map(({ task }) => ({ position: task.position, message: 'a verification that fails would not fail the run', hint: 'remove ignore_errors and failed_when; with retries and until it may be tried again' })),
      ),
  },
  {
    id: 'always-changed',
    severity: 'info',
    summary: 'a command reports a change in every run',
    why: 'Nobody sees any more whether something was changed, its handlers run each time, and the verification after a change does too.',
    source: 'docs/architecture.md; Ansible, Defining "changed"',
    bad: play('§command: /usr/local/bin/refresh'),
    good: play('command: /usr/local/bin/refresh\nregister: refresh\nchanged_when: "\'new\' in refresh.stdout"', 'shell: make-key > /etc/key\nargs: { creates: /etc/key }'),
    check: ({ plays }) =>
      plays.flatMap(({ tasks }) =>
        tasks
          .filter(({ task, handler }) => !handler && (task.module === 'command' || task.module === 'shell') && task.changedWhen === undefined && task.args.value['creates'] === undefined && task.args.value['removes'] === undefined)
          .map(({ task }) => ({ position: task.position, message: `"${task.name}" reports a change whenever it runs`, hint: 'add changed_when:, or creates: or removes:' })),
      ),
  },
]);

/** What a task, or a file that it copies, sets of the two. */
function arpSettings({ texts }: LintTask): readonly { readonly device: string; readonly key: string }[] {
  return texts.flatMap((text) => [...text.matchAll(/net[./]ipv4[./]conf[./]([\w{}"$-]+)[./](arp_ignore|arp_announce)/g)].map(([, device = '', key = '']) => ({ device, key })));
}

/** By the module ip_address, by ip(8) or ifconfig(8). */
function addsToLoopback({ task, commands }: LintTask): boolean {
  const { interface: device, address, state } = task.args.value;
  if (task.module === 'ip_address') return device === 'lo' && state !== 'absent' && typeof address === 'string' && !address.includes(':');
  return commands.some(({ argv: [program = '', ...words] }) => {
    const line = words.join(' ');
    return (program === 'ip' && /\ba(ddr|ddress)? (add|replace)\b/.test(line) && / dev lo( |$)/.test(line) && !/\d:|::/.test(line)) || (program === 'ifconfig' && /^lo:\w+ \d/.test(line));
  });
}

function placeOf({ task, commands: [first] }: LintTask): Position {
  return first?.position ?? task.position;
}

/** Names within `{{ }}` of all texts of a value; strings in the templates are none. */
function variablesIn(value: unknown): readonly string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(variablesIn);
  if (typeof value !== 'string') return [];
  return [...value.matchAll(/\{\{([^]*?)\}\}/g)].flatMap(([, inside = '']) => inside.replaceAll(/'[^']*'|"[^"]*"/g, '').match(/(?<![.\w])[A-Za-z_]\w*/g) ?? []);
}
