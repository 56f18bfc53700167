import { isJsonObject, type Json } from '../../core/json.ts';
import { type Args, defineModule } from '../contract.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    msg: { description: 'Anything; shown as it is.' },
    var: { description: 'A bare Jinja expression; shown with its value.' },
  },
} as const;

/** `var` arrives evaluated: `{ expression, result }`. */
export default defineModule<Args<typeof schema>>({
  name: 'debug',
  summary: 'Show a message or a value',
  schema,
  notState: ['msg', 'var'],
  expressions: ['var'],
  examples: [
    { name: 'A message', args: { msg: 'behind {{ inventory_hostname }}' } },
    { name: 'A variable', args: { var: 'group_names' } },
  ],
  action: true,
  facts: () => [],
  diff: () => [],
  apply: () => [],
  after: () => [],
  result: (args) => {
    const held = args.var as Json | undefined;
    const shown = isJsonObject(held ?? null) && held !== undefined ? (held as { result: Json }).result : ((args.msg as Json | undefined) ?? 'Hello world!');
    return { data: { msg: shown } };
  },
});
