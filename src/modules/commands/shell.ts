import { type Args, defineModule } from '../contract.ts';
import { EVERYTHING_STALE, isGuarded, runChanges, runFacts, runProperties, runResult } from './run-command.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['cmd'],
  properties: {
    cmd: { type: 'string', minLength: 1, description: 'A script, as it is. Values from variables need | quote.' },
    executable: { type: 'string', pattern: '^/', description: 'The shell. Default /bin/sh.' },
    ...runProperties,
  },
} as const;

export default defineModule<Args<typeof schema>>({
  name: 'shell',
  summary: 'Run a shell script on the host',
  schema,
  notState: ['cmd', 'executable', 'chdir', 'stdin'],
  freeForm: 'cmd',
  examples: [{ name: 'Count connections', args: { cmd: 'ss -Htn state established | wc -l' } }],
  action: true,
  guarded: isGuarded,
  facts: (args) => runFacts(args),
  diff: (args, facts) => runChanges(args, facts, args.cmd),
  apply: (args, changes) =>
    changes.length === 0
      ? []
      : [
          {
            kind: 'exec',
            // Never the script's text: cut short, half a secret in it would not be known for one.
            title: 'shell script',
            argv: [args.executable ?? '/bin/sh', '-c', args.cmd],
            ...(args.chdir === undefined ? {} : { cwd: args.chdir }),
            ...(args.stdin === undefined ? {} : { stdin: args.stdin }),
            stale: EVERYTHING_STALE,
          },
        ],
  after: () => [],
  result: (_args, outcomes) => runResult(outcomes),
});
