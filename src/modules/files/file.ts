import path from 'node:path';
import { LvsPlayError } from '../../core/errors.ts';
import { shellQuote } from '../../core/text/quote.ts';
import { contentFact, NO_CONTENT } from '../../facts/files/content.ts';
import { patch, request } from '../../facts/contract.ts';
import { ABSENT, fileFact, type FileState } from '../../facts/files/file.ts';
import { type Args, type Change, defineModule, type Step } from '../contract.ts';
import { attributeChanges, attributeProperties, modeOf, withAttributes } from './file-attributes.ts';
import { fileStale } from './write-file.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['path'],
  properties: {
    path: { type: 'string', pattern: '^/', description: 'Absolute path on the host.' },
    state: { enum: ['file', 'touch', 'directory', 'link', 'absent'], description: 'file: it must exist, only attributes are set; touch: an empty one is made if there is none. absent removes a tree. Default file.' },
    src: { type: 'string', minLength: 1, description: 'Where a link points.' },
    ...attributeProperties,
  },
} as const;

type FileArgs = Args<typeof schema>;

export default defineModule<FileArgs>({
  name: 'file',
  summary: 'Directories, links, attributes and absence of paths',
  schema,
  notState: [],
  examples: [
    { name: 'A directory', args: { path: '/srv/www', state: 'directory', mode: '0755' } },
    { name: 'A link', args: { path: '/etc/alternatives/iptables', state: 'link', src: '/usr/sbin/iptables-legacy' } },
    { name: 'Gone', args: { path: '/etc/nginx/sites-enabled/default', state: 'absent' } },
    { name: 'Attributes', args: { path: '/etc/hosts', mode: '0644', owner: 'root', group: 'root' } },
  ],
  facts: (args) => {
    if ((args.state === 'link') !== (args.src !== undefined)) {
      throw new LvsPlayError({ code: 'bad-argument', kind: 'input', message: 'file: src and state: link belong together', hint: 'give both, or neither' });
    }
    if (args.state === 'absent' && path.posix.normalize(args.path).replace(/\/+$/, '') === '') {
      throw new LvsPlayError({ code: 'bad-argument', kind: 'input', message: `file: ${args.path} is the whole file system and is not removed`, hint: 'was a variable in the path empty?' });
    }
    modeOf(args.mode);
    return [request(fileFact, args.path)] as never;
  },
  diff: (args, facts): Change[] => {
    const now = facts.get(fileFact, args.path);
    const state = args.state ?? 'file';
    const shown = now.type === 'absent' ? null : now.type;
    if (state === 'absent') return now.type === 'absent' ? [] : [{ path: args.path, before: now.type, after: null }];
    if (state === 'link') return now.type === 'link' && now.target === args.src ? [] : [{ path: args.path, before: now.target ?? shown, after: `link to ${args.src ?? ''}` }];
    if (now.type !== typeOf(state)) return [{ path: args.path, before: shown, after: typeOf(state) }];
    return attributeChanges(args.path, now, args);
  },
  apply: (args, changes, facts): Step[] => {
    if (changes.length === 0) return [];
    const stale = staleOf(args);
    const step = (title: string, ...argv: string[]): Step => ({ kind: 'exec', title, argv, stale });
    const now = facts.get(fileFact, args.path);
    const state = args.state ?? 'file';
    const refuse = (why: string): Step[] => [{ kind: 'script', title: `look at ${args.path}`, script: `printf '%s\\n' ${shellQuote(`${args.path} ${why}`)} >&2; exit 1`, stale }];
    if (state === 'absent') return [step(`remove ${args.path}`, 'rm', '-rf', '--', args.path)];
    if (state === 'link') {
      // ln would put the link inside.
      if (now.type === 'directory') return refuse('is a directory; remove it first to make it a link');
      return [step(`link ${args.path}`, 'ln', '-sfn', '--', args.src ?? '', args.path)];
    }
    if (now.type === 'link') return refuse(`is a link to ${now.target ?? ''}; name what it points to`);
    if (now.type !== 'absent' && now.type !== typeOf(state)) return refuse(`is no ${typeOf(state)}`);
    if (state === 'directory') return [...(now.type === 'directory' ? [] : [step(`make ${args.path}`, 'mkdir', '-p', '--', args.path)]), ...attributeSteps(args, step)];
    if (now.type === 'file') return attributeSteps(args, step);
    // Making a file is what copy and touch are for: a missing one is a mistake to be seen.
    return state === 'touch' ? [step(`make ${args.path}`, 'touch', '--', args.path), ...attributeSteps(args, step)] : refuse('does not exist; state: touch makes an empty file');
  },
  after: (args) => [
      ...(args.state === 'absent' ? [patch(contentFact, args.path, () => NO_CONTENT)] : []),
      patch(fileFact, args.path, (now): FileState => {
        if (args.state === 'absent') return ABSENT;
        if (args.state === 'link') return { type: 'link', mode: '0777', owner: 'root', group: 'root', target: args.src ?? '' };
        return withAttributes(now.type === 'link' ? ABSENT : now, typeOf(args.state ?? 'file'), args);
      }),
    ],
});

/** What a directory holds goes with it, and links from anywhere may lead there; else it is the path alone, and the directories that are made on the way to it. */
function staleOf({ path: key, state }: FileArgs): Step['stale'] {
  if (state === 'absent' || state === 'link') return ['file', 'content', 'unit'].map((fact) => ({ fact, key: '*' }));
  const parents = key.split('/').map((_part, index, parts) => parts.slice(0, index + 1).join('/')).filter((part) => part !== '' && part !== key);
  return [...fileStale(key), ...(state === 'directory' ? parents.map((part) => ({ fact: 'file', key: part })) : [])];
}

/** A file that is touched is a file. */
function typeOf(state: 'file' | 'touch' | 'directory'): 'file' | 'directory' {
  return state === 'directory' ? 'directory' : 'file';
}

function attributeSteps(args: FileArgs, step: (title: string, ...argv: string[]) => Step): Step[] {
  const mode = modeOf(args.mode);
  const owner = `${args.owner ?? ''}${args.group === undefined ? '' : `:${args.group}`}`;
  return [
    ...(owner === '' ? [] : [step(`own ${args.path}`, 'chown', owner, '--', args.path)]),
    ...(mode === undefined ? [] : [step(`set the mode of ${args.path}`, 'chmod', mode, '--', args.path)]),
  ];
}
