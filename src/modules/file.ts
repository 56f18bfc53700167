import { LvsPlayError } from '../core/errors.ts';
import { patch, request } from '../facts/contract.ts';
import { ABSENT, fileFact, type FileState } from '../facts/file.ts';
import { type Args, type Change, defineModule, type Step } from './contract.ts';
import { attributeChanges, attributeProperties, modeOf, withAttributes } from './file-attributes.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['path'],
  properties: {
    path: { type: 'string', pattern: '^/', description: 'Absolute path on the host.' },
    state: { enum: ['file', 'directory', 'link', 'absent'], description: 'file: it must exist, only attributes are set. absent removes a tree. Default file.' },
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
    modeOf(args.mode);
    return [request(fileFact, args.path)] as never;
  },
  diff: (args, facts): Change[] => {
    const now = facts.get(fileFact, args.path);
    const state = args.state ?? 'file';
    const shown = now.type === 'absent' ? null : now.type;
    if (state === 'absent') return now.type === 'absent' ? [] : [{ path: args.path, before: now.type, after: null }];
    if (state === 'link') return now.type === 'link' && now.target === args.src ? [] : [{ path: args.path, before: now.target ?? shown, after: `link to ${args.src ?? ''}` }];
    if (now.type !== state) return [{ path: args.path, before: shown, after: state }];
    return attributeChanges(args.path, now, args);
  },
  apply: (args, changes, facts): Step[] => {
    if (changes.length === 0) return [];
    const stale = ['file', 'content'].map((fact) => ({ fact, key: '*' }));
    const step = (title: string, ...argv: string[]): Step => ({ kind: 'exec', title, argv, stale });
    const now = facts.get(fileFact, args.path);
    switch (args.state ?? 'file') {
      case 'absent':
        return [step(`remove ${args.path}`, 'rm', '-rf', '--', args.path)];
      case 'link':
        return [step(`link ${args.path}`, 'ln', '-sfn', '--', args.src ?? '', args.path)];
      case 'directory':
        return [...(now.type === 'directory' ? [] : [step(`make ${args.path}`, 'mkdir', '-p', '--', args.path)]), ...attributeSteps(args, step)];
      case 'file':
        // Making an empty file is what copy is for: a missing one is a mistake to be seen.
        if (now.type !== 'file') return [step(`find ${args.path}`, 'test', '-f', args.path)];
        return attributeSteps(args, step);
    }
  },
  after: (args) =>
    [
      patch(fileFact, args.path, (now): FileState => {
        if (args.state === 'absent') return ABSENT;
        if (args.state === 'link') return { type: 'link', mode: '0777', owner: 'root', group: 'root', target: args.src ?? '' };
        return withAttributes(now, args.state ?? 'file', args);
      }),
    ],
});

function attributeSteps(args: FileArgs, step: (title: string, ...argv: string[]) => Step): Step[] {
  const mode = modeOf(args.mode);
  const owner = `${args.owner ?? ''}${args.group === undefined ? '' : `:${args.group}`}`;
  return [
    ...(owner === '' ? [] : [step(`own ${args.path}`, 'chown', owner, '--', args.path)]),
    ...(mode === undefined ? [] : [step(`set the mode of ${args.path}`, 'chmod', mode, '--', args.path)]),
  ];
}
