import { describeUnknown } from './describe.ts';

describeUnknown(1);
