import { afterAll, beforeAll, describe, it } from 'vitest';
import { deployedPair } from './deployed.ts';
import { describeLintLive } from './lint-live.ts';
import { COMMON_FAULTS, type Fault, planted } from './planted.ts';
import type { TestLab } from './support.ts';
import { describeUnreachable } from './unreachable.ts';

/** What commands say of a pair in DR that they only look at; each part leaves the lab as it found it, or says that it does not. */
describe('a pair that is looked at', () => {
  let lab: TestLab;
  beforeAll(async () => {
    lab = await deployedPair('looks');
  });
  afterAll(() => lab.down());

  /** All faults, also those of NAT and TUN: test/soak/verify-faults.test.ts. */
  describe('planted faults', () => {
    it.each<Fault>([...COMMON_FAULTS])('%s is found and named, and nothing else once it is mended', (_name, plant, found, mend) => planted(lab, plant, found, mend));
  });
  describeUnreachable(() => lab);
  describeLintLive(() => lab);
});
