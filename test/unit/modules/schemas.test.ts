import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { lvsSchema } from '../../../src/lvs/model/schema/shape.ts';
import { loadModule, moduleNames } from '../../../src/modules/registry.ts';

const ofModules = await Promise.all(moduleNames.map(async (name) => [`the module ${name}`, (await loadModule(name)).schema] as const));

/** The tool itself does not check its own schemas: that would cost each run a fifth of its time. */
describe('a schema of ours', () => {
  it.each<readonly [string, unknown]>([['the variable lvs', lvsSchema], ...ofModules])('is one of JSON Schema: %s', (_name, schema) => {
    const ajv = new Ajv({ strict: false });
    expect(ajv.validateSchema(schema as object), ajv.errorsText()).toBe(true);
  });

  it('is told from what is none', () => {
    expect(new Ajv({ strict: false }).validateSchema({ type: 'strin' })).toBe(false);
  });
});
