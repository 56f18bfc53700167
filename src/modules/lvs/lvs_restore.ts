import { HOST_STATE, runFolder } from '../../core/host-state.ts';
import { LvsPlayError } from '../../core/errors.ts';
import { shellQuote } from '../../core/text/quote.ts';
import { patch, request } from '../../facts/contract.ts';
import { type SavedState, savedStateFact, type SavedThing, textsOf } from '../../facts/system/saved-state.ts';
import { KEEPALIVED_CONF } from '../../lvs/keepalived/place.ts';
import { EVERYTHING_STALE } from '../commands/run-command.ts';
import { type Args, type Change, defineModule, type ModuleContext, type PairActivation, type Step } from '../contract.ts';
import { fileStep } from '../files/write-file.ts';
import { uninterruptible } from '../render-steps.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['run'],
  properties: {
    run: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9-]*$', description: 'The id of the run whose saved state comes back.' },
    root: { type: 'string', pattern: '^/', description: 'Where hosts keep saved states. Default /var/lib/lvs-play.' },
    force: { type: 'boolean', description: 'Also where the same things were changed since. Default false.' },
    later: { type: 'array', items: { type: 'string' }, description: 'Runs that came after it, in words: named when the same things were changed since.' },
    drain_timeout: { type: 'integer', minimum: 0, maximum: 86400, description: 'Seconds that connections to a real server which leaves a service are waited for before they are cut. Default 60.' },
  },
} as const;

type RestoreArgs = Args<typeof schema>;

const TIMEOUT_MS = 20 * 60_000;
/** Secrets are only ever in files that not everybody may read: of these no text is shown. */
const WORLD_READABLE = /^file \d*[4-7] /;

export default defineModule<RestoreArgs>({
  name: 'lvs_restore',
  summary: 'Bring back the state that an earlier run found on the host; what lvs-play rollback does',
  schema,
  // The state itself lies on the host.
  notState: ['run', 'root', 'force', 'later', 'drain_timeout'],
  examples: [{ name: 'Before a run', args: { run: '20261123-182404-3f9a' } }],
  facts: (args) => [request(savedStateFact, folderOf(args))] as never,
  diff: (args, facts, { host }): Change[] => {
    const saved = facts.get(savedStateFact, folderOf(args));
    if (saved.state === 'absent') {
      throw new LvsPlayError({ code: 'nothing-saved', kind: 'host', host, message: `${host}: nothing is saved of run ${args.run}`, hint: 'the newest 20 runs are kept on a host; -l chooses hosts that have it' });
    }
    const changes = [...packageChanges(saved), ...saved.things.flatMap(changeOf)];
    const later = laterChanges(saved);
    if (changes.length > 0 && later.length > 0 && args.force !== true) {
      throw new LvsPlayError({
        code: 'changed-since',
        kind: 'host',
        host,
        message: `${host}: changed since run ${args.run}: ${later.join(', ')}`,
        hint: `${args.later === undefined || args.later.length === 0 ? 'it was changed by hand, or by a run from elsewhere (lvs-play history -i INVENTORY): put it back' : `roll back what came later first: ${args.later.join('; ')}`}; or let --force overwrite it`,
      });
    }
    return withStaying(changes, saved.commands);
  },
  apply: (args, changes): Step[] =>
    changes.length === 0
      ? []
      : [{ kind: 'script', activates: true, title: `restore the state before run ${args.run}`, script: `${uninterruptible(`sh ${shellQuote(`${folderOf(args)}/undo`)} restore rollback`).replace(/exit \$rc$/, '')}\n[ "$rc" -eq 0 ]`, timeoutMs: TIMEOUT_MS, stale: EVERYTHING_STALE }],
  after: (args) => [
    patch(savedStateFact, folderOf(args), (saved) => ({
      ...saved,
      packages: [],
      things: saved.things.map(({ kind, key, before }) => ({ kind, key, before, after: before, now: before })),
    })),
  ],
  pair: (args, changes, facts, context) => (changes.length === 0 ? undefined : activationOf(args, facts.get(savedStateFact, folderOf(args)), context)),
  result: (_args, outcomes) => {
    const said = outcomes.map(({ stdout }) => stdout).join('\n');
    const problems = [...said.matchAll(/^problem (.*)$/gm)].map(([, problem = '']) => problem);
    return { data: { problems }, ...(problems.length === 0 ? {} : { failed: `${String(problems.length)} not as before: ${problems.join('; ')}` }) };
  },
});

function folderOf({ run, root = HOST_STATE }: RestoreArgs): string {
  return runFolder(run, root);
}

/** Where keepalived runs now and shall run on with its file of before: a change of what the pair runs, like any other. Where it stops, there is nobody to hear. */
function activationOf(args: RestoreArgs, { things }: SavedState, { topology, host }: ModuleContext): PairActivation | undefined {
  const pairs = topology?.directors.get(host)?.pairs ?? [];
  const file = things.find(({ kind, key }) => kind === 'file' && key === KEEPALIVED_CONF);
  const unit = things.find(({ kind, key }) => kind === 'unit' && key === 'keepalived.service');
  const [, mode, owner, group] = /^file (\d+) (\d+):(\d+) /.exec(file?.now ?? '') ?? [];
  if (pairs.length === 0 || mode === undefined || owner === undefined || group === undefined || file?.before === file?.now) return undefined;
  if (file?.savedText === undefined || file.presentText === undefined || unit?.now?.startsWith('active') !== true || unit.before?.startsWith('active') !== true) return undefined;
  const attributes = { path: KEEPALIVED_CONF, mode: mode.padStart(4, '0'), owner, group };
  const { saved, present: before } = textsOf(file);
  return {
    pairs,
    before,
    after: saved,
    write: (text) => fileStep({ ...attributes, content: Buffer.from(text) }, 'write keepalived.conf, checked by keepalived -t', ['keepalived', '-t', '-f', '{}']),
    putBack: [fileStep({ ...attributes, content: Buffer.from(before) }, 'put the present keepalived.conf back')],
    drainSeconds: args.drain_timeout ?? 60,
  };
}

/** Nobody knows what commands did: that they are not undone is said before anything is. */
function withStaying([first, ...rest]: readonly Change[], commands: readonly string[]): Change[] {
  if (first === undefined) return [];
  return commands.length === 0 ? [first, ...rest] : [{ ...first, impact: `does not undo what commands did: ${commands.join(', ')}` }, ...rest];
}

/** What came with the run goes; what went or changed comes back. */
function packageChanges({ packages }: SavedState): Change[] {
  const before = new Map(packages.filter(({ when }) => when === 'run-').map(({ name, version }) => [name, version]));
  const after = new Map(packages.filter(({ when }) => when === 'run+').map(({ name, version }) => [name, version]));
  return [...new Set([...after.keys(), ...before.keys()])].sort().map((name) => ({ path: `package ${name}`, before: after.get(name) ?? null, after: before.get(name) ?? null }));
}

function changeOf(thing: SavedThing): Change[] {
  const { kind, key, before, now } = thing;
  // Packages are told one by one; what is not known was never touched.
  if (kind === 'package' || before === null || now === null || before === now) return [];
  const path = pathOf(thing);
  if (kind === 'module') {
    // What came since the run is somebody else's.
    const came = missing(thing.after === null ? now : common(now, thing.after), before);
    const gone = missing(before, now);
    return came === '' && gone === '' ? [] : [{ path, before: came, after: gone }];
  }
  if (kind === 'file' && WORLD_READABLE.test(before === 'absent' ? now : before)) {
    const { saved, present } = textsOf(thing);
    return [{ path: key, before: shown(now), after: shown(before), text: { before: present, after: saved } }];
  }
  return [{ path, before: shown(now), after: shown(before) }];
}

function pathOf({ kind, key }: Pick<SavedThing, 'kind' | 'key'>): string {
  if (['file', 'tree', 'parent'].includes(kind)) return key;
  if (kind === 'unit') return `${key} state`;
  return key === '*' ? kind : `${kind} ${key}`;
}

function shown(value: string): string | null {
  return value === 'absent' || value === 'none' ? null : value.replace(/^;/, '').replace(/([0-9a-f]{12})[0-9a-f]{52}/g, '$1');
}

/** Words that are in both lists. */
function common(from: string, other: string): string {
  const there = new Set(other.split(' '));
  return from.split(' ').filter((word) => there.has(word)).join(' ');
}

/** Words of one list that the other lacks. */
function missing(from: string, other: string): string {
  const there = new Set(other.split(' '));
  return from.split(' ').filter((word) => !there.has(word)).join(' ');
}

/** What is not as it was at that run's end, of what it touched. */
function laterChanges({ things, packages }: SavedState): string[] {
  const ofRun = new Set(packages.filter(({ when }) => when.startsWith('run')).map(({ name }) => name));
  const changed = new Set(packages.filter(({ when, name }) => when.startsWith('since') && ofRun.has(name)).map(({ name }) => `package ${name}`));
  // Modules come with anything; nobody's change is undone by leaving one.
  const touched = things.filter(({ kind, before, after, now }) => kind !== 'module' && kind !== 'package' && after !== null && now !== null && after !== now && now !== before);
  return [...changed, ...touched.map(pathOf)];
}
