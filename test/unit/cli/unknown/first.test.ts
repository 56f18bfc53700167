import { expect, it } from 'vitest';
import { COMMANDS } from '../../../../src/cli/registry.ts';
import { describeUnknown } from './describe.ts';
import { TABLE } from './table.ts';

it('every command is in the table', () => {
  expect(Object.keys(TABLE).sort()).toEqual(COMMANDS.map(({ name }) => name).sort());
});

describeUnknown(0);
