import { LvsPlayError } from '../../core/errors.ts';
import { patch, request } from '../../facts/contract.ts';
import { unitFact, unitName } from '../../facts/system/unit.ts';
import { type Args, type Change, defineModule, type Step } from '../contract.ts';
import { restartOfPair } from '../lvs/restart.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    // An option or a pattern is no name, and systemctl takes both.
    name: { type: 'string', pattern: '^[A-Za-z0-9_:.@\\\\][A-Za-z0-9_:.@\\\\-]*$', description: 'A systemd unit; .service may be left out.' },
    state: { enum: ['started', 'stopped', 'restarted', 'reloaded'], description: 'restarted and reloaded act every time; reloaded starts what does not run.' },
    enabled: { type: 'boolean', description: 'Whether it starts at boot.' },
    masked: { type: 'boolean', description: 'Whether it is kept from starting at all.' },
    daemon_reload: { type: 'boolean', description: 'Let systemd read changed unit files again, when it says that it must. Done anyway before any other change.' },
  },
} as const;

/** What services of a director or a router bring and take with them: virtual IPs and virtual services. */
const TAKEN_ALONG = ['address', 'ipvs', 'keepalived'].map((fact) => ({ fact, key: '*' }));

type ServiceArgs = Args<typeof schema>;

export default defineModule<ServiceArgs>({
  name: 'service',
  summary: 'Start, stop, restart or reload a service, and say whether it starts at boot (systemd)',
  schema,
  notState: [],
  examples: [
    { name: 'Run keepalived, now and at boot', args: { name: 'keepalived', state: 'started', enabled: true } },
    { name: 'Reload nginx', args: { name: 'nginx', state: 'reloaded' } },
    { name: 'Keep a service from ever starting', args: { name: 'apache2', state: 'stopped', masked: true } },
  ],
  facts: (args) => {
    if (args.masked === true && (args.enabled === true || (args.state !== undefined && args.state !== 'stopped'))) {
      const what = args.enabled === true ? 'enabled' : (args.state ?? '');
      throw new LvsPlayError({ code: 'bad-argument', kind: 'input', message: `service: ${args.name} cannot be masked and ${what}`, hint: 'masked: true keeps a unit from starting at all' });
    }
    return [request(unitFact, unitName(args.name))];
  },
  diff: (args, facts): Change[] => {
    const name = unitName(args.name);
    const unit = facts.get(unitFact, name);
    const changes: Change[] = [];
    if (args.daemon_reload === true && unit.needsReload) changes.push({ path: `${name} definition`, before: 'older than its file', after: 'read again' });
    if (args.masked !== undefined && args.masked !== (unit.enabled === 'masked')) changes.push({ path: `${name} masked`, before: unit.enabled === 'masked', after: args.masked });
    const boot = startsAtBoot(unit.enabled);
    if (args.enabled !== undefined && boot !== undefined && args.enabled !== boot) changes.push({ path: `${name} enabled`, before: boot, after: args.enabled });
    const now = unit.active ? 'active' : 'inactive';
    if ((args.state === 'started' || args.state === 'reloaded') && !unit.active) changes.push({ path: `${name} state`, before: now, after: 'active' });
    if (args.state === 'stopped' && unit.active) changes.push({ path: `${name} state`, before: now, after: 'inactive', impact: `stops ${args.name}` });
    if (args.state === 'restarted') changes.push({ path: `${name} state`, before: now, after: 'restarted', ...(unit.active ? { impact: `restarts ${args.name}` } : {}) });
    if (args.state === 'reloaded' && unit.active) changes.push({ path: `${name} state`, before: now, after: 'reloaded' });
    return changes;
  },
  apply: (args, changes, facts): Step[] => {
    const name = unitName(args.name);
    const unit = facts.get(unitFact, name);
    const systemctl = (title: string, ...words: string[]): Step => ({ kind: 'exec', title, argv: ['systemctl', ...words], stale: [{ fact: 'unit', key: name }] });
    const of = (what: string) => changes.find((change) => change.path === `${name} ${what}`)?.after;
    const steps: Step[] = [];
    if (changes.length > 0 && unit.needsReload) steps.push({ kind: 'exec', title: 'read unit files again', argv: ['systemctl', 'daemon-reload'], stale: [{ fact: 'unit', key: '*' }] });
    const masked = of('masked');
    // What was enabled before it was masked is enabled again once it is not; nobody can see that before.
    const enabled = of('enabled') ?? (masked === false ? args.enabled : undefined);
    if (masked === false) steps.push(systemctl(`unmask ${name}`, 'unmask', name));
    // Before it is masked: systemctl then ignores the unit and reports success.
    if (enabled !== undefined) steps.push(enabled === true ? systemctl(`enable ${name}`, 'enable', name) : systemctl(`disable ${name}`, 'disable', name));
    if (masked === true) steps.push(systemctl(`mask ${name}`, 'mask', name));
    const verbs = new Map<unknown, string>([
      ['active', 'start'],
      ['inactive', 'stop'],
      ['restarted', 'restart'],
      ['reloaded', 'reload'],
    ]);
    const verb = verbs.get(of('state'));
    // A unit that is starting is waited for: --no-block would call it done too early.
    if (verb !== undefined) steps.push({ kind: 'exec', title: `${verb} ${name}`, argv: ['systemctl', verb, name], stale: [{ fact: 'unit', key: name }, ...TAKEN_ALONG] });
    return steps;
  },
  after: (args, changes) => {
    if (changes.length === 0) return [];
    const name = unitName(args.name);
    const of = (what: string) => changes.find((change) => change.path === `${name} ${what}`)?.after;
    return [
      patch(unitFact, name, (unit) => {
        const state = of('state');
        const active = state === undefined ? unit.active : state !== 'inactive';
        const boot = of('masked') === true ? 'masked' : of('enabled') === true ? 'enabled' : of('enabled') === false || of('masked') === false ? 'disabled' : unit.enabled;
        return { exists: true, active, enabled: boot, needsReload: false };
      }),
    ];
  },
  pair: (_args, changes, _facts, context) => (changes.some(({ path, before, after }) => path === 'keepalived.service state' && before === 'active' && after === 'restarted') ? restartOfPair('keepalived is restarted', context) : undefined),
});

/** Undefined: it has no say in it (static, generated, and the like), others start it or not; enabling and disabling do nothing. */
function startsAtBoot(state: string): boolean | undefined {
  if (['static', 'generated', 'indirect', 'alias', 'transient'].includes(state)) return undefined;
  return state === 'enabled' || state === 'enabled-runtime';
}
