import { describeGenerated } from './generated.ts';

// test/soak has 33.
describeGenerated('generated', 3);
