import { describe, expect, it } from 'vitest';
import { moduleText } from '../../../src/cli/commands/module.ts';
import { defineModule } from '../../../src/modules/contract.ts';
import { loadModule, moduleNames } from '../../../src/modules/registry.ts';
import { stringify } from 'yaml';

const NOTHING = { facts: () => [], diff: () => [], apply: () => [], after: () => [] };

describe('the page of a module', () => {
  it('is made from its schema', () => {
    const module = defineModule({
      name: 'thing',
      summary: 'Does a thing',
      schema: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: ['string', 'array'], description: 'What it is called.' },
          state: { enum: ['present', 'absent'], default: 'present', description: 'Whether it is there.' },
          many: { anyOf: [{ type: 'integer' }, { type: 'array' }] },
        },
      },
      notState: [],
      freeForm: 'name',
      action: true,
      examples: [
        { name: 'One', args: { name: 'a' } },
        { name: 'None', args: {} },
      ],
      ...NOTHING,
    });
    expect(moduleText(module, (value) => stringify(value))).toBe(`thing
  Does a thing

  Runs each time: it has no state to compare.

  Free text after the module's name is its name.

ARGUMENTS
  name (string or array, required)
      What it is called.
  state (present | absent, default "present")
      Whether it is there.
  many (integer or list)

EXAMPLES
  - name: One
    thing:
      name: a

  - name: None
    thing:
`);
  });

  it('can be made of every module', async () => {
    expect(moduleNames.length).toBeGreaterThan(10);
    for (const name of moduleNames) {
      const text = moduleText(await loadModule(name), (value) => stringify(value));
      expect(text).toMatch(new RegExp(`^${name}\n`));
      expect(text).toContain('EXAMPLES\n  - name: ');
    }
  });
});
