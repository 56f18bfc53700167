import { expect, it } from 'vitest';
import { importKeepalived } from '../../../src/import/keepalived/import.ts';
import { expandedSample } from '../lvs/keepalived/conf/samples.ts';

it('a reversed weight is not taken for a weight: it is listed', () => {
  const { notes } = importKeepalived(expandedSample('track-reverse', 'lvs1'));
  expect(notes.filter(({ kind }) => kind === 'not-understood').map(({ text, position }) => [text, position?.line])).toEqual([
    ['weight -20 reverse', 8],
    ['eth1 weight -5 reverse', 19],
    ['maintenance weight 10 reverse', 16],
  ]);
});
