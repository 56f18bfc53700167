import { describeGenerated } from './generated.ts';

// test/soak has 32.
describeGenerated('generated', 4);
