import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds that files took on a busy machine, by folder and name; for ordering, so only their proportions count. A new file is taken for a long one. */
const SECONDS = JSON.parse(readFileSync(path.join(import.meta.dirname, 'seconds.json'), 'utf8')) as Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Files that take long begin first, so that at the end no worker is left alone with one. Those of the unit tests keep Vitest's own order. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((one, other) => seconds(other) - seconds(one));
  }
}

function seconds({ project, moduleId }: TestSpecification): number {
  const known = SECONDS[project.name];
  return known === undefined ? 0 : (known[path.basename(moduleId, '.test.ts')] ?? Number.MAX_SAFE_INTEGER);
}
