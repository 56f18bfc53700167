import { isJsonObject, type Json } from '../../core/json.ts';
import { type Args, defineModule } from '../contract.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['that'],
  properties: {
    that: { description: 'Bare Jinja expressions, one or a list; all must be true.' },
    fail_msg: { type: 'string', description: 'Said when one is not.' },
    success_msg: { type: 'string', description: 'Said when all are.' },
  },
} as const;

/** `that` arrives evaluated: `{ expression, result }`, one or a list. */
export default defineModule<Args<typeof schema>>({
  name: 'assert',
  summary: 'Stop the host unless expressions are true',
  schema,
  notState: ['that', 'fail_msg', 'success_msg'],
  expressions: ['that'],
  examples: [{ name: 'Two real servers at least', args: { that: ["groups['lvs_real_servers'] | length >= 2"], fail_msg: 'one real server is no cluster' } }],
  action: true,
  facts: () => [],
  diff: () => [],
  apply: () => [],
  after: () => [],
  result: (args) => {
    const that = args.that as Json;
    const tests: readonly Json[] = Array.isArray(that) ? (that as readonly Json[]) : [that];
    const wrong = tests.find((test) => !isJsonObject(test) || test['result'] !== true);
    if (wrong === undefined) return { data: { msg: args.success_msg ?? 'All assertions passed' } };
    const expression = isJsonObject(wrong) && typeof wrong['expression'] === 'string' ? wrong['expression'] : JSON.stringify(wrong);
    return { data: { msg: args.fail_msg ?? 'Assertion failed', assertion: expression }, failed: `${args.fail_msg ?? 'assertion failed'}: ${expression}` };
  },
});
