import type { JsonObject } from '../../core/json.ts';
import { type Args, defineModule } from '../contract.ts';

const schema = { type: 'object', additionalProperties: true, minProperties: 1, properties: {} } as const;

export default defineModule<Args<typeof schema>>({
  name: 'set_fact',
  summary: 'Set variables of the host for the rest of the run',
  schema,
  notState: [],
  setsVars: true,
  examples: [{ name: 'A variable', args: { web_port: 8080 } }],
  action: true,
  facts: () => [],
  diff: () => [],
  apply: () => [],
  after: () => [],
  result: (args) => ({ data: args as JsonObject }),
});
