import { LvsPlayError } from '../../core/errors.ts';
import { shellCommand, shellQuote } from '../../core/text/quote.ts';
import { patch, request } from '../../facts/contract.ts';
import { packageFact } from '../../facts/system/package.ts';
import { packageCandidateFact } from '../../facts/system/package-candidate.ts';
import { unitFact } from '../../facts/system/unit.ts';
import { type Args, type Change, defineModule, type Step } from '../contract.ts';
import { restartOfPair } from '../lvs/restart.ts';
import { uninterruptible } from '../render-steps.ts';

// A version, an architecture or a pattern would never be found among the installed names, and an option is none.
const NAME = '^[A-Za-z0-9][A-Za-z0-9+._-]*$';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: {
      anyOf: [{ type: 'string', pattern: NAME }, { type: 'array', items: { type: 'string', pattern: NAME }, minItems: 1 }],
      description: 'One package or a list; a list is one run of the package manager. Recommended packages come along as apt is configured on the host.',
    },
    state: { enum: ['present', 'absent', 'latest'], description: 'latest: the newest version in the lists that the host has. Default present.' },
    update_cache: { type: 'boolean', description: 'Refresh the lists of packages before installing. What there is to do is decided by the lists as they were: a plan changes nothing. Default false.' },
    start_services: {
      type: 'boolean',
      description: 'Let new packages start their services as they are installed. Default false: a service starts when its own task says so, with its configuration in place.',
    },
  },
} as const;

type PackageArgs = Args<typeof schema>;

const STALE = ['package', 'package_candidate', 'unit', 'file', 'content', 'kernel_module', 'keepalived'].map((fact) => ({ fact, key: '*' }));
/** A package may bring hundreds of megabytes over a slow line. */
const TIMEOUT_MS = 15 * 60_000;
const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_MARK = '# lvs-play: services are started by their own tasks';

export default defineModule<PackageArgs>({
  name: 'package',
  summary: 'Install or remove packages (apt)',
  schema,
  notState: ['update_cache', 'start_services'],
  examples: [
    { name: 'Install ipvsadm and keepalived', args: { name: ['ipvsadm', 'keepalived'] } },
    { name: 'Upgrade', args: { name: 'keepalived', state: 'latest' } },
    { name: 'Remove a package', args: { name: 'ifenslave', state: 'absent' } },
  ],
  facts: (args, context) => {
    if (context.osFamily !== 'debian') {
      throw new LvsPlayError({ code: 'unsupported-os', kind: 'input', host: context.host, message: `package: ${context.host} is of the family ${context.osFamily}, and only apt is supported so far`, hint: 'install with command: dnf install ..., and creates: as its guard' });
    }
    const candidates = args.state === 'latest' ? namesOf(args).map((name) => request(packageCandidateFact, name)) : [];
    return [...namesOf(args).map((name) => request(packageFact, name)), ...candidates];
  },
  diff: (args, facts) =>
    namesOf(args).flatMap((name): Change[] => {
      const { installed, candidate, state } = facts.get(packageFact, name);
      const path = `package ${name}`;
      if (args.state === 'absent') return state === 'absent' ? [] : [{ path, before: installed ?? 'broken', after: null }];
      if (state === 'installed') {
        const newest = args.state === 'latest' ? facts.get(packageCandidateFact, name) : null;
        return newest === null || newest === installed ? [] : [{ path, before: installed, after: newest, impact: `upgrades ${name}, which may restart its services` }];
      }
      return [{ path, before: state === 'broken' ? 'broken' : null, after: candidate ?? 'unknown to the package manager' }];
    }),
  apply: (args, changes): Step[] => {
    if (changes.length === 0) return [];
    const names = changes.map((change) => change.path.replace(/^package /, ''));
    return [
      {
        // Not a script step: those do without the task's environment, where a proxy may be named.
        kind: 'exec',
        title: args.state === 'absent' ? `remove ${names.join(', ')}` : `install ${names.join(', ')}`,
        argv: ['sh', '-c', aptScript(names, args)],
        timeoutMs: TIMEOUT_MS,
        stale: STALE,
      },
    ];
  },
  after: (args, changes, facts) => {
    const absent = args.state === 'absent';
    const newest = (name: string) => (args.state === 'latest' ? facts.get(packageCandidateFact, name) : null);
    const packages = changes.map((change) =>
      patch(packageFact, change.path.replace(/^package /, ''), (state, name) => ({
        candidate: newest(name) ?? state.candidate,
        installed: absent ? null : (newest(name) ?? state.candidate ?? 'unknown'),
        state: absent ? ('absent' as const) : ('installed' as const),
      })),
    );
    if (absent || changes.length === 0) return packages;
    // Debian's packages enable what they bring; here they do not start it.
    const units = patch(unitFact, '*', (unit) => (unit.exists ? unit : { exists: true, active: args.start_services === true, enabled: 'enabled', needsReload: false }));
    return [...packages, units];
  },
  // Debian's packages restart what runs when they are upgraded.
  pair: (_args, changes, _facts, context) => (changes.some(({ path, before, after }) => path === 'package keepalived' && before !== null && after !== null) ? restartOfPair('keepalived is upgraded', context) : undefined),
});

function namesOf(args: PackageArgs): readonly string[] {
  return typeof args.name === 'string' ? [args.name] : args.name;
}

function aptScript(names: readonly string[], args: PackageArgs): string {
  const apt = ['apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold'];
  const work = [
    // A run that was cut short leaves packages half configured, and apt refuses everything until that is mended.
    'if [ -n "$(dpkg --audit 2>/dev/null)" ]; then dpkg --configure -a --force-confdef --force-confold || exit 1; fi',
    ...(args.update_cache === true ? [`${shellCommand([...apt, 'update'])} || exit 1`] : []),
    args.state === 'absent' ? shellCommand([...apt, 'remove', '--', ...names]) : shellCommand([...apt, 'install', '--', ...names]),
  ];
  const policy = args.start_services === true || args.state === 'absent' ? [] : denyStart();
  return uninterruptible(['export DEBIAN_FRONTEND=noninteractive', ...waitForOthers(apt), ...policy, ...work].join('\n'));
}

/**
 * A controller that was killed may have left a package manager at work, with its policy in place. `apt-get check` takes the lock, so it waits for
 * that to end; what it says of the packages does not matter yet.
 */
function waitForOthers(apt: readonly string[]): string[] {
  return [`if [ -e ${shellQuote(POLICY)} ] || [ -n "$(dpkg --audit 2>/dev/null)" ]; then ${shellCommand([...apt, 'check'])} >/dev/null 2>&1; fi`];
}

/** A policy that refuses to start services while this runs, unless the host has one of its own. Restarts of what runs are let through. */
function denyStart(): string[] {
  const policy = shellQuote(POLICY);
  return [
    `if [ -e ${policy} ] && ! grep -qF ${shellQuote(POLICY_MARK)} ${policy}; then :; else`,
    `  printf '%s\\n' '#!/bin/sh' ${shellQuote(POLICY_MARK)} 'case " $* " in *" start "*) exit 101;; esac' 'exit 0' >${policy} && chmod 755 ${policy} || exit 1`,
    `  trap 'rm -f ${POLICY}' EXIT`,
    'fi',
  ];
}
