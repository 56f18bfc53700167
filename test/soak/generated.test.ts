import { describeGenerated } from '../lab/generated.ts';

describeGenerated('generated', 33);
