import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds that files of lab tests took on a busy machine, by name; some are guesses from what they do. A new file is taken for a long one. */
const SECONDS = JSON.parse(readFileSync(path.join(import.meta.dirname, 'lab/seconds.json'), 'utf8')) as Readonly<Record<string, number>>;

/** Files that take long begin first, so that at the end no worker is left alone with one. The others keep Vitest's own order, behind them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((one, other) => seconds(other) - seconds(one));
  }
}

function seconds({ project, moduleId }: TestSpecification): number {
  return project.name === 'lab' ? (SECONDS[path.basename(moduleId, '.test.ts')] ?? Number.MAX_SAFE_INTEGER) : 0;
}
