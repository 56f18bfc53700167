import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { resumeAfterKills, TWO_HOSTS } from '../lab/kills.ts';
import { scratch, TestLab } from '../lab/support.ts';

let lab: TestLab;
let files: Awaited<ReturnType<typeof scratch>>;
beforeAll(async () => {
  files = await scratch({ 'hosts.yml': TWO_HOSTS });
  lab = await TestLab.up('runs-killed', path.join(files.dir, 'hosts.yml'));
});
afterAll(async () => {
  await lab.down();
  await files.remove();
});

resumeAfterKills(() => lab, 'all');
