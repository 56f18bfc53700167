import { LvsPlayError } from '../../core/errors.ts';
import { argumentWords } from './argument-words.ts';
import { type Args, defineModule } from '../contract.ts';
import { EVERYTHING_STALE, isGuarded, runChanges, runFacts, runProperties, runResult } from './run-command.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    cmd: { type: 'string', minLength: 1, description: 'Program and arguments in one string, split as a shell would, but run without one.' },
    argv: { type: 'array', items: { type: 'string' }, minItems: 1, description: 'Program and arguments, each as it is.' },
    ...runProperties,
  },
} as const;

type CommandArgs = Args<typeof schema>;

export default defineModule<CommandArgs>({
  name: 'command',
  summary: 'Run a program on the host, without a shell',
  schema,
  notState: ['cmd', 'argv', 'chdir', 'stdin'],
  freeForm: 'cmd',
  examples: [
    { name: 'Show the table', args: { argv: ['ipvsadm', '-Ln'] } },
    { name: 'Once', args: { cmd: 'touch /var/lib/done', creates: '/var/lib/done' } },
  ],
  action: true,
  guarded: isGuarded,
  facts: (args) => {
    argvOf(args);
    return runFacts(args);
  },
  diff: (args, facts) => runChanges(args, facts, argvOf(args).join(' ')),
  apply: (args, changes) =>
    changes.length === 0
      ? []
      : [
          {
            kind: 'exec',
            title: argvOf(args)[0] ?? 'command',
            argv: argvOf(args),
            ...(args.chdir === undefined ? {} : { cwd: args.chdir }),
            ...(args.stdin === undefined ? {} : { stdin: args.stdin }),
            stale: EVERYTHING_STALE,
          },
        ],
  after: () => [],
  result: (_args, outcomes) => runResult(outcomes),
});

function argvOf(args: CommandArgs): string[] {
  if ((args.cmd === undefined) === (args.argv === undefined)) {
    throw new LvsPlayError({ code: 'bad-argument', kind: 'input', message: 'command takes either cmd or argv', hint: 'write command: cmd: "program argument", or argv: [program, argument]' });
  }
  if (args.argv !== undefined) return [...args.argv];
  const words = argumentWords('command', args.cmd ?? '', 'close it, or give the words as argv: [program, argument]');
  if (words.length > 0) return words;
  throw new LvsPlayError({ code: 'bad-argument', kind: 'input', message: 'command: cmd names no program', hint: 'write command: cmd: "program argument"' });
}
