import { LvsPlayError } from '../../core/errors.ts';
import { type FactReader, request } from '../../facts/contract.ts';
import { contentFact } from '../../facts/files/content.ts';
import { fileFact } from '../../facts/files/file.ts';
import { packageFact } from '../../facts/system/package.ts';
import { unitFact } from '../../facts/system/unit.ts';
import { renderKeepalived } from '../../lvs/keepalived/render.ts';
import { CONFIG_TEST_SINCE } from '../../lvs/keepalived/features.ts';
import { atLeast, type KeepalivedVersion, keepalivedVersion } from '../../lvs/keepalived/version.ts';
import { type Args, type Change, defineModule, type ModuleContext, type PairActivation, type PutStep, type Step } from '../contract.ts';
import { fileChanges, filePatches, fileRequests, fileStale, fileStep, type WantedFile } from '../files/write-file.ts';
import { directorTopology } from './topology.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    path: { type: 'string', pattern: '^/', description: 'Where it is written. Default /etc/keepalived/keepalived.conf.' },
    drain_timeout: { type: 'integer', minimum: 0, maximum: 86400, description: 'Seconds that connections to a real server which leaves a service are waited for before they are cut. Default 60.' },
  },
} as const;

type KeepalivedArgs = Args<typeof schema>;

const UNIT = 'keepalived.service';

/**
 * Reloads with `systemctl reload`, which only sends SIGHUP and reports nothing; `keepalived -t` on the host has refused a bad file before,
 * and `reload_check_config` in the file makes the daemon check once more.
 */
export default defineModule<KeepalivedArgs>({
  name: 'keepalived',
  summary: "Write a director's keepalived.conf from the topology, checked by the host's own keepalived; reload, never restart",
  schema,
  notState: ['drain_timeout'],
  examples: [{ name: 'From the topology', args: {} }],
  facts: (args, context) => {
    directorTopology(context);
    return [...fileRequests(pathOf(args)), request(packageFact, 'keepalived'), request(unitFact, UNIT)] as never;
  },
  diff: (args, facts, context): Change[] => {
    const active = facts.get(unitFact, UNIT).active;
    return fileChanges(wantedOf(args, facts, context), facts, active ? { impact: 'reloads keepalived' } : {}).map(withoutPasswords);
  },
  apply: (args, changes, facts, context): Step[] => {
    if (changes.length === 0) return [];
    const wanted = wantedOf(args, facts, context);
    const write = writeStep(wanted, versionOf(facts, context));
    if (!facts.get(unitFact, UNIT).active) return [write];
    const reload: Step = { kind: 'exec', title: 'reload keepalived', activates: true, argv: ['systemctl', 'reload', UNIT], stale: [{ fact: 'unit', key: UNIT }, { fact: 'address', key: '*' }, { fact: 'ipvs', key: '*' }, ...fileStale(pathOf(args))] };
    return [write, reload];
  },
  after: (args, _changes, facts, context) => filePatches(wantedOf(args, facts, context), false),
  pair: (args, changes, facts, context): PairActivation | undefined => {
    const pairs = directorTopology(context).directors.get(context.host)?.pairs ?? [];
    const { text } = facts.get(contentFact, pathOf(args));
    // One that does not run yet, or runs nothing that could be read, has nothing to lose.
    if (changes.length === 0 || pairs.length === 0 || text === undefined || !facts.get(unitFact, UNIT).active) return undefined;
    const wanted = wantedOf(args, facts, context);
    const file = facts.get(fileFact, pathOf(args));
    const before: WantedFile = { path: pathOf(args), content: Buffer.from(text), mode: file.mode, owner: file.owner, group: file.group };
    return {
      pairs,
      before: text,
      after: Buffer.from(wanted.content).toString('utf8'),
      write: (content) => writeStep({ ...wanted, content: Buffer.from(content) }, versionOf(facts, context)),
      putBack: [fileStep(before, 'put the old keepalived.conf back')],
      drainSeconds: args.drain_timeout ?? 60,
    };
  },
});

function writeStep(wanted: WantedFile, version: KeepalivedVersion): PutStep {
  return atLeast(version, CONFIG_TEST_SINCE)
    ? fileStep(wanted, 'write keepalived.conf, checked by keepalived -t', ['keepalived', '-t', '-f', '{}'])
    : fileStep(wanted, `write keepalived.conf, unchecked: keepalived -t is there from ${CONFIG_TEST_SINCE} on`);
}

/** Also passwords that are too short to be masked everywhere, and those of the file that is replaced. */
function withoutPasswords(change: Change): Change {
  if (change.text === undefined) return change;
  const masked = (text: string) => text.replaceAll(/^(\s*auth_pass\s+).*$/gm, '$1********');
  return { ...change, text: { before: masked(change.text.before), after: masked(change.text.after) } };
}

function pathOf(args: KeepalivedArgs): string {
  return args.path ?? '/etc/keepalived/keepalived.conf';
}

function wantedOf(args: KeepalivedArgs, facts: FactReader, context: ModuleContext): WantedFile {
  const text = renderKeepalived(directorTopology(context), context.host, versionOf(facts, context));
  // It may hold a password.
  return { path: pathOf(args), content: Buffer.from(text), mode: '0640', owner: 'root', group: 'root' };
}

function versionOf(facts: FactReader, context: ModuleContext): KeepalivedVersion {
  const { installed, candidate } = facts.get(packageFact, 'keepalived');
  const version = keepalivedVersion(installed ?? candidate ?? '');
  if (version !== undefined) return version;
  throw new LvsPlayError({
    code: 'keepalived-version',
    kind: 'host',
    host: context.host,
    message: `${context.host}: the version of keepalived is not known: the package is neither installed nor to be had there`,
    hint: 'check the package sources of the host (apt-cache policy keepalived)',
  });
}
