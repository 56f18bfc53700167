import { type Args, defineModule } from '../contract.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    requests: { type: 'integer', minimum: 1, maximum: 10_000, description: 'Requests sent to each virtual service. Default 20.' },
    always: { type: 'boolean', description: 'Also when the run has changed nothing. Default false.' },
  },
} as const;

/** Carried out by the controller with the run's own connections: see the controller actions of the deploy command. */
export default defineModule<Args<typeof schema>>({
  name: 'lvs_verify',
  summary: 'Prove from outside that clients reach the virtual services; fails the run with exit code 8 when they do not',
  schema,
  notState: ['requests', 'always'],
  examples: [
    { name: 'After a change', args: {} },
    { name: 'With more requests, every time', args: { requests: 200, always: true } },
  ],
  action: true,
  facts: () => [],
  diff: () => [],
  apply: () => [],
  after: () => [],
  result: (_args, outcomes) => {
    const [outcome] = outcomes;
    const data = { ...outcome?.data, stdout: outcome?.stdout ?? '' };
    return outcome === undefined || outcome.exitCode === 0 ? { data } : { data, failed: outcome.stderr };
  },
});
