import { LvsPlayError } from '../../core/errors.ts';
import { contentFact, NO_CONTENT } from '../../facts/files/content.ts';
import { type FactReader, patch, request } from '../../facts/contract.ts';
import { ABSENT, fileFact } from '../../facts/files/file.ts';
import { SCRIPT_FOLDER, type Topology } from '../../lvs/model/topology.ts';
import { type Args, type Change, defineModule, type ModuleContext, type Step } from '../contract.ts';
import { attributeChanges, withAttributes } from '../files/file-attributes.ts';
import { fileChanges, filePatches, fileRequests, fileStale, fileStep, type WantedFile } from '../files/write-file.ts';
import { directorTopology } from './topology.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    retired: {
      enum: ['keep', 'remove'],
      description: 'What becomes of our scripts that the topology no longer has. keep: for the time until keepalived has read the new file. Default remove.',
    },
  },
} as const;

type ScriptsArgs = Args<typeof schema>;

/** Names of the scripts that we put there, one a line: what else is in the folder is not ours to remove. */
export const SCRIPT_LIST = `${SCRIPT_FOLDER}/.lvs-play`;

// keepalived runs no script as root that another could have written (keepalived.conf(5), enable_script_security).
const OWNED = { owner: 'root', group: 'root', mode: '0755' } as const;

export default defineModule<ScriptsArgs>({
  name: 'lvs_scripts',
  summary: 'Put the scripts of lvs.scripts on a director, where keepalived runs them safely, and remove those that are gone',
  schema,
  // It says when, not what.
  notState: ['retired'],
  examples: [
    { name: 'Before keepalived.conf is written', args: { retired: 'keep' } },
    { name: 'Once keepalived has read it', args: {} },
  ],
  facts: (_args, context) => [request(fileFact, SCRIPT_FOLDER), ...[...scriptsOf(directorTopology(context)), listOf([])].flatMap(({ path }) => fileRequests(path))] as never,
  diff: (args, facts, context): Change[] => {
    const scripts = scriptsOf(directorTopology(context));
    const retired = retiredNames(args, facts, context).map((name): Change => ({ path: `${SCRIPT_FOLDER}/${name}`, before: 'file', after: null }));
    return [...(scripts.length === 0 ? [] : folderChanges(facts)), ...scripts.flatMap((script) => fileChanges(script, facts)), ...retired, ...listChanges(args, facts, context)];
  },
  apply: (args, changes, facts, context): Step[] => {
    if (changes.length === 0) return [];
    const scripts = scriptsOf(directorTopology(context));
    const remove = (path: string): Step => ({ kind: 'exec', title: `remove ${path}`, argv: ['rm', '-f', '--', path], stale: fileStale(path) });
    const wanted = wantedList(args, facts, context);
    const list = listChanges(args, facts, context).length === 0 ? [] : [wanted === undefined ? remove(SCRIPT_LIST) : fileStep(wanted, 'note which scripts are ours')];
    return [
      ...(scripts.length === 0 ? [] : folderSteps(facts)),
      ...scripts.filter((script) => fileChanges(script, facts).length > 0).map((script) => fileStep(script, `write ${script.path}`)),
      ...retiredNames(args, facts, context).map((name) => remove(`${SCRIPT_FOLDER}/${name}`)),
      // Last: what an interruption leaves behind is still known to be ours.
      ...list,
    ];
  },
  after: (args, _changes, facts, context) => {
    const scripts = scriptsOf(directorTopology(context));
    const gone = (path: string) => [patch(fileFact, path, () => ABSENT), patch(contentFact, path, () => NO_CONTENT)];
    const wanted = wantedList(args, facts, context);
    const list = wanted === undefined ? gone(SCRIPT_LIST) : filePatches(wanted, false);
    return [
      ...(scripts.length === 0 ? [] : [patch(fileFact, SCRIPT_FOLDER, (state) => withAttributes(state.type === 'directory' ? state : ABSENT, 'directory', OWNED))]),
      ...scripts.flatMap((script) => filePatches(script, false)),
      ...retiredNames(args, facts, context).flatMap((name) => gone(`${SCRIPT_FOLDER}/${name}`)),
      ...(listChanges(args, facts, context).length === 0 ? [] : list),
    ];
  },
});

function scriptsOf(topology: Topology): WantedFile[] {
  return [...topology.scripts.values()].map(({ name, content }) => ({ path: `${SCRIPT_FOLDER}/${name}`, content: Buffer.from(content), ...OWNED }));
}

function listOf(names: Iterable<string>): WantedFile {
  return { path: SCRIPT_LIST, content: Buffer.from([...names].sort().map((name) => `${name}\n`).join('')), owner: 'root', group: 'root', mode: '0644' };
}

/** What we put there at some time, as our list says. */
function listedNames(facts: FactReader): string[] {
  return (facts.get(contentFact, SCRIPT_LIST).text ?? '').split('\n').filter((name) => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name));
}

function retiredNames(args: ScriptsArgs, facts: FactReader, context: ModuleContext): string[] {
  if (args.retired === 'keep') return [];
  const { scripts } = directorTopology(context);
  return listedNames(facts).filter((name) => !scripts.has(name));
}

/** The list as it shall be; undefined: none is needed. */
function wantedList(args: ScriptsArgs, facts: FactReader, context: ModuleContext): WantedFile | undefined {
  const names = new Set([...directorTopology(context).scripts.keys(), ...(args.retired === 'keep' ? listedNames(facts) : [])]);
  return names.size === 0 ? undefined : listOf(names);
}

function listChanges(args: ScriptsArgs, facts: FactReader, context: ModuleContext): Change[] {
  const wanted = wantedList(args, facts, context);
  if (wanted !== undefined) return fileChanges(wanted, facts);
  return listedNames(facts).length === 0 ? [] : [{ path: SCRIPT_LIST, before: 'file', after: null }];
}

function folderChanges(facts: FactReader): Change[] {
  const now = facts.get(fileFact, SCRIPT_FOLDER);
  if (now.type === 'directory') return attributeChanges(SCRIPT_FOLDER, now, OWNED);
  if (now.type === 'absent') return [{ path: SCRIPT_FOLDER, before: null, after: 'directory' }];
  throw new LvsPlayError({
    code: 'no-directory',
    kind: 'host',
    message: `${SCRIPT_FOLDER} is a ${now.type}, not a directory`,
    hint: 'move it away: scripts that keepalived runs must lie in a directory of root that nobody else can write to',
  });
}

function folderSteps(facts: FactReader): Step[] {
  if (folderChanges(facts).length === 0) return [];
  const step = (title: string, ...argv: string[]): Step => ({ kind: 'exec', title, argv, stale: [{ fact: 'file', key: SCRIPT_FOLDER }] });
  return [
    step(`make ${SCRIPT_FOLDER}`, 'mkdir', '-p', '--', SCRIPT_FOLDER),
    step(`own ${SCRIPT_FOLDER}`, 'chown', 'root:root', '--', SCRIPT_FOLDER),
    // In words: a number would keep the set-group-ID bit that it has from /usr/local on some systems.
    step(`set the mode of ${SCRIPT_FOLDER}`, 'chmod', 'u=rwx,go=rx,ug-s,o-t', '--', SCRIPT_FOLDER),
  ];
}
