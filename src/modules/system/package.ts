import { LvsPlayError } from '../../core/errors.ts';
import { shellCommand, shellQuote } from '../../core/text/quote.ts';
import { type FactReader, patch, request } from '../../facts/contract.ts';
import { APT_LOCKS_SCRIPT } from '../../facts/system/apt-locks.ts';
import type { ListsState } from '../../facts/system/apt-lists.ts';
import { packageFact } from '../../facts/system/package.ts';
import { packageCandidateFact } from '../../facts/system/package-candidate.ts';
import { unitFact } from '../../facts/system/unit.ts';
import { type Args, type Change, defineModule, type ModuleContext, type Step } from '../contract.ts';
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
    state: { enum: ['present', 'absent', 'latest'], description: 'latest: the newest version that the sources offer. Default present.' },
    update_cache: { type: 'boolean', description: 'Refresh the lists of packages before installing, also when they are less than a day old. Default false: only lists that are missing or older are refreshed, and only when there is something to install.' },
    start_services: {
      type: 'boolean',
      description: 'Let new packages start their services as they are installed. Default false: a service starts when its own task says so, with its configuration in place.',
    },
  },
} as const;

type PackageArgs = Args<typeof schema>;

const STALE = ['package', 'package_candidate', 'installed_package', 'unit', 'file', 'content', 'kernel_module', 'keepalived'].map((fact) => ({ fact, key: '*' }));
/** Path of the change that refreshes the lists of packages. */
const LISTS = 'lists of packages';
const UNKNOWN_VERSION = 'unknown to the package manager';
/** For another package manager to finish: apt-daily's upgrade of a host may take minutes. */
const LOOKS = 300;
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
  diff: (args, facts, context) => {
    const changes = namesOf(args).flatMap((name) => packageChanges(name, args, facts));
    for (const change of changes) refuseUnfit(nameOf(change), args, facts, context);
    // A daily run, which installs nothing, leaves the lists alone.
    if (!changes.some(({ after }) => after !== null)) return changes;
    const lists = listsOf(args, facts);
    return lists === 'fresh' && args.update_cache !== true ? changes : [{ path: LISTS, before: lists, after: 'refreshed', upkeep: true }, ...changes];
  },
  apply: (args, changes, facts): Step[] => {
    const packages = changes.filter(isPackage);
    if (packages.length === 0) return [];
    const title = `${args.state === 'absent' ? 'remove' : 'install'} ${packages.map(nameOf).join(', ')}`;
    return [
      { kind: 'wait', title, script: APT_LOCKS_SCRIPT, looks: LOOKS, stale: [] },
      // Not a script step: those do without the task's environment, where a proxy may be named.
      { kind: 'exec', title, argv: ['sh', '-c', aptScript(packages.map((change) => wordOf(change, args, facts)), args, changes.some(({ path }) => path === LISTS))], timeoutMs: TIMEOUT_MS, stale: STALE },
    ];
  },
  after: (args, changes, facts) => {
    const absent = args.state === 'absent';
    const packages = changes.filter(isPackage).map((change) =>
      patch(packageFact, nameOf(change), (state, name) => {
        const version = absent ? null : (offered(name, args, facts) ?? 'unknown');
        return { installed: version, candidate: version ?? state.candidate, state: absent ? ('absent' as const) : ('installed' as const), held: state.held, lists: null, problem: null };
      }),
    );
    if (absent || changes.length === 0) return packages;
    const fresh = changes.some(({ path }) => path === LISTS)
      ? [
          patch(packageFact, '*', (state) => ({ ...state, lists: state.lists === null ? null : ('fresh' as const) })) as never,
          patch(packageCandidateFact, '*', (state) => ({ ...state, lists: 'fresh' as const })) as never,
        ]
      : [];
    // Debian's packages enable what they bring; here they do not start it. Which units of other names they bring, nobody knows before.
    const names = changes.filter(isPackage).map(nameOf);
    const units = patch(unitFact, '*', (unit, key) => (unit.exists || !names.some((name) => bringsUnit(name, key)) ? unit : { exists: true, active: args.start_services === true, enabled: 'enabled', needsReload: false }));
    return [...packages, ...fresh, units];
  },
  // Debian's packages restart what runs when they are upgraded.
  pair: (_args, changes, _facts, context) => (changes.some(({ path, before, after }) => path === 'package keepalived' && before !== null && after !== null) ? restartOfPair('keepalived is upgraded', context) : undefined),
});

function namesOf(args: PackageArgs): readonly string[] {
  return typeof args.name === 'string' ? [args.name] : args.name;
}

function isPackage({ path }: Change): boolean {
  return path !== LISTS;
}

function nameOf({ path }: Change): string {
  return path.replace(/^package /, '');
}

function packageChanges(name: string, args: PackageArgs, facts: FactReader): Change[] {
  const { installed, state } = facts.get(packageFact, name);
  const path = `package ${name}`;
  if (args.state === 'absent') return state === 'absent' ? [] : [{ path, before: installed ?? 'broken', after: null }];
  if (state === 'installed' && args.state !== 'latest') return [];
  const version = offered(name, args, facts);
  if (state !== 'installed') return [{ path, before: state === 'broken' ? 'broken' : null, after: version ?? UNKNOWN_VERSION }];
  // Where no source could be read, nobody knows whether there is a newer one: see refuseUnfit.
  const isNewest = version === installed && facts.get(packageCandidateFact, name).problem === null;
  return isNewest ? [] : [{ path, before: installed, after: version, impact: `upgrades ${name}, which may restart its services` }];
}

/** The version that would be installed; null where no source offers one. */
function offered(name: string, args: PackageArgs, facts: FactReader): string | null {
  return (args.state === 'latest' ? facts.get(packageCandidateFact, name).version : null) ?? facts.get(packageFact, name).candidate;
}

/** Whether a package is likely to bring a unit: `nginx-light` brings `nginx.service`. */
function bringsUnit(name: string, unit: string): boolean {
  const base = unit.replace(/(?:@[^@]*)?\.[a-z]+$/, '');
  return base === name || name.startsWith(`${base}-`) || base.startsWith(`${name}-`);
}

/** The oldest of what the answers rest on. */
function listsOf(args: PackageArgs, facts: FactReader): ListsState {
  const states = namesOf(args).flatMap((name) => [facts.get(packageFact, name).lists, args.state === 'latest' ? facts.get(packageCandidateFact, name).lists : null]);
  return states.includes('missing') ? 'missing' : states.includes('old') ? 'old' : 'fresh';
}

/** @throws LvsPlayError for what apt would refuse, or what nobody can know now */
function refuseUnfit(name: string, args: PackageArgs, facts: FactReader, { host }: ModuleContext): void {
  const { held, installed, problem } = facts.get(packageFact, name);
  if (held) {
    throw new LvsPlayError({ code: 'package-held', kind: 'host', host, message: `${host}: ${name} is held${installed === null ? '' : ` at ${installed}`} (apt-mark hold) and cannot be ${args.state === 'absent' ? 'removed' : 'installed or upgraded'}`, hint: `ask who held it; apt-mark unhold ${name} lets it go` });
  }
  const silence = args.state === 'absent' ? null : (problem ?? (args.state === 'latest' ? facts.get(packageCandidateFact, name).problem : null));
  if (silence === null) return;
  throw new LvsPlayError({ code: 'package-sources', kind: 'host', host, message: `${host}: which version of ${name} would be installed is not known, as its package sources cannot be read: ${silence}`, hint: 'look at /etc/apt/sources.list, /etc/apt/sources.list.d, the proxy and the name server of the host; apt-get update says more' });
}

/** With the version of the plan, so that nothing else is installed when the sources change meanwhile. */
function wordOf(change: Change, args: PackageArgs, facts: FactReader): string {
  const version = args.state === 'absent' ? null : offered(nameOf(change), args, facts);
  return version === null ? nameOf(change) : `${nameOf(change)}=${version}`;
}

function aptScript(words: readonly string[], args: PackageArgs, refresh: boolean): string {
  const apt = ['apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold'];
  const work = [
    // A run that was cut short leaves packages half configured, and apt refuses everything until that is mended.
    'if [ -n "$(dpkg --audit 2>/dev/null)" ]; then dpkg --configure -a --force-confdef --force-confold || exit 1; fi',
    ...(refresh ? refreshScript(apt) : []),
    args.state === 'absent' ? shellCommand([...apt, 'remove', '--', ...words]) : shellCommand([...apt, 'install', '--', ...words]),
  ];
  const policy = args.start_services === true || args.state === 'absent' ? [] : denyStart();
  return uninterruptible(['export DEBIAN_FRONTEND=noninteractive', ...waitForOthers(apt), ...policy, ...work].join('\n'));
}

/**
 * Another apt that asks the sources at the same moment is waited for. A source that fails must not keep a package away that another one offers: whether enough is known
 * shows in the installation, and what apt said of the source stands before it.
 */
function refreshScript(apt: readonly string[]): string[] {
  return [
    'tries=0',
    `until said=$(${shellCommand([...apt, 'update'])} 2>&1); do`,
    '  case $said in *"Could not get lock"*) ;; *) break;; esac',
    '  tries=$((tries + 1)); [ "$tries" -lt 60 ] || break',
    '  sleep 2',
    'done',
    "printf '%s\\n' \"$said\"",
  ];
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
