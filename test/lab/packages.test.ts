import { describePackages } from './packages.ts';

// One source and one lock; test/soak has every kind.
describePackages('packages', false);
