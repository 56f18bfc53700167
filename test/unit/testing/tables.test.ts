import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const namesIn = (folder: string, suffix: string): string[] => readdirSync(path.join(ROOT, folder)).filter((name) => name.endsWith(suffix)).sort();

/** Rows of the table whose first column has this title, cell by cell. */
function table(title: string): string[][] {
  const lines = read('docs/testing.md').split('\n');
  const begin = lines.findIndex((line) => line.startsWith(`| ${title} |`));
  expect(begin, title).toBeGreaterThan(0);
  const rest = lines.slice(begin + 2);
  return rest.slice(0, rest.findIndex((line) => !line.startsWith('|'))).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
}

const tests = (cell: string): string[] => [...cell.matchAll(/`(test\/[^`]+)`/g)].map(([, file = '']) => file);
const SECONDS = JSON.parse(read('test/seconds.json')) as Record<string, Record<string, number>>;

describe('docs/testing.md', () => {
  const folders = table('folder of src');
  const promises = table('page');

  it('has a row with soak files for every folder of src, and every soak file', () => {
    const all = readdirSync(path.join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => `\`${name}\``).sort();
    expect(folders.map(([folder]) => folder)).toEqual(all);
    for (const [folder, files = ''] of folders) expect(tests(files), folder).not.toEqual([]);
    const named = [...new Set(folders.flatMap(([, files = '']) => tests(files)))].sort();
    expect(named).toEqual(namesIn('test/soak', '.test.ts').map((name) => `test/soak/${name}`));
  });

  it('has the minutes of test/seconds.json', () => {
    for (const [folder, files = ''] of folders) {
      for (const [, name = '', minutes] of files.matchAll(/`test\/soak\/([^`]+)\.test\.ts` \((\d+)\)/g)) expect(Number(minutes), `${folder ?? ''} ${name}`).toBe(Math.ceil((SECONDS['soak']?.[name] ?? 0) / 60));
      expect(files.match(/\(\d+\)/g)).toHaveLength(tests(files).length);
    }
  });

  it('has a promise with a test of npm test for every page and for the README', () => {
    const pages = new Set(promises.filter(([, , files = '']) => tests(files).length > 0).map(([page = '']) => /\(([^)]+)\)/.exec(page)?.[1]));
    expect([...pages].sort()).toEqual(['../README.md', ...namesIn('docs', '.md')]);
    for (const file of promises.flatMap(([, , files = '']) => tests(files))) {
      expect(file).toMatch(/^test\/(lab|unit)\//);
      expect(existsSync(path.join(ROOT, file)), file).toBe(true);
    }
  });
});

it.each(['lab', 'soak'])('test/seconds.json knows the files of test/%s', (folder) => {
  expect(Object.keys(SECONDS[folder] ?? {}).map((name) => `${name}.test.ts`).sort()).toEqual(namesIn(`test/${folder}`, '.test.ts'));
});
