import { describePackages } from '../lab/packages.ts';

describePackages('packages-whole', true);
