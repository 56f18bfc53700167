import { request, patch } from '../../facts/contract.ts';
import { bootFact, THIS_BOOT } from '../../facts/system/boot.ts';
import { type Args, type Change, defineModule, type Step } from '../contract.ts';
import { EVERYTHING_STALE } from '../commands/run-command.ts';
import { restartOfPair } from '../lvs/restart.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    if_required: { type: 'boolean', description: 'Only when a restart is due: a package asked for it (/run/reboot-required), or a newer kernel is installed than the one that runs. Default false: every time.' },
    reboot_timeout: { type: 'integer', minimum: 1, maximum: 86400, description: 'Seconds until the host has to be up again. Default 600.' },
    msg: { type: 'string', pattern: '^[^\\n]*$', description: 'What those who are logged in are told.' },
  },
} as const;

type RebootArgs = Args<typeof schema>;

const PATH = 'boot';

export default defineModule<RebootArgs>({
  name: 'reboot',
  summary: 'Restart the host and wait until it is up again; directors of an HA pair one after the other',
  schema,
  notState: ['reboot_timeout', 'msg'],
  examples: [
    { name: 'After an upgrade', args: { if_required: true } },
    { name: 'In any case', args: { reboot_timeout: 900, msg: 'maintenance' } },
  ],
  facts: () => [request(bootFact, THIS_BOOT)],
  diff: (args, facts): Change[] => {
    const { release, due } = facts.get(bootFact, THIS_BOOT);
    if (args.if_required === true && due === null) return [];
    return [{ path: PATH, before: `kernel ${release}`, after: 'restarted', impact: `reboots the host${due === null ? '' : `: ${due}`}` }];
  },
  apply: (args, changes, facts): Step[] =>
    changes.length === 0
      ? []
      : [{ kind: 'reboot', title: 'restart the host', bootId: facts.get(bootFact, THIS_BOOT).id, message: args.msg ?? 'restarted by lvs-play', timeoutMs: (args.reboot_timeout ?? 600) * 1000, stale: EVERYTHING_STALE }],
  after: (_args, changes) => (changes.length === 0 ? [] : [patch(bootFact, THIS_BOOT, (boot) => ({ ...boot, id: 'the next', due: null }))]),
  pair: (_args, changes, _facts, context) => (changes.length === 0 ? undefined : restartOfPair('the host is rebooted', context)),
});
