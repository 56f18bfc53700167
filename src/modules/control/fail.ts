import { type Args, defineModule } from '../contract.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: { msg: { type: 'string', description: 'Why.' } },
} as const;

export default defineModule<Args<typeof schema>>({
  name: 'fail',
  summary: 'Stop the host with a message',
  schema,
  notState: ['msg'],
  examples: [{ name: 'Not here', args: { msg: 'this host is in maintenance' } }],
  action: true,
  facts: () => [],
  diff: () => [],
  apply: () => [],
  after: () => [],
  result: (args) => ({ data: {}, failed: args.msg ?? 'failed as asked' }),
});
