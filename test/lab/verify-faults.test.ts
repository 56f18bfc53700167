import { afterAll, beforeAll, describe, it } from 'vitest';
import { deployedPair } from './deployed.ts';
import { COMMON_FAULTS, type Fault, planted } from './planted.ts';
import type { TestLab } from './support.ts';

/** All faults, also those of NAT and TUN: test/soak/verify-faults.test.ts. */
describe('planted in a pair in DR', () => {
  let lab: TestLab;
  beforeAll(async () => {
    lab = await deployedPair('faults');
  });
  afterAll(() => lab.down());

  it.each<Fault>([...COMMON_FAULTS])('%s is found and named, and nothing else once it is mended', (_name, plant, found, mend) => planted(lab, plant, found, mend));
});
