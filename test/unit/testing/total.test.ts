import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const SCRIPTS = path.resolve(import.meta.dirname, '../../../scripts');

interface Part {
  readonly name: string;
  readonly code: number | null;
  readonly report?: { readonly numPassedTests: number; readonly numTotalTests: number };
}

describe('what npm test adds up', () => {
  let total: (parts: readonly Part[]) => { passed: number; failed: number; reasons: string[] };
  beforeAll(async () => {
    ({ total } = (await import(pathToFileURL(path.join(SCRIPTS, 'test.mjs')).href)) as { total: typeof total });
  });

  const unit: Part = { name: 'unit', code: 0, report: { numPassedTests: 10, numTotalTests: 10 } };

  it.each<readonly [string, readonly Part[], number, number]>([
    ['all parts of a good run', [{ name: 'checks', code: 0 }, unit, { name: 'lab', code: 0, report: { numPassedTests: 5, numTotalTests: 5 } }], 15, 0],
    ['tests that failed, and those that did not run for it', [unit, { name: 'lab', code: 1, report: { numPassedTests: 3, numTotalTests: 7 } }], 13, 4],
    ['checks that failed', [{ name: 'checks', code: 1 }], 0, 1],
    ['a part that made no report', [unit, { name: 'lab', code: 1 }], 10, 1],
    ['a part that was killed', [unit, { name: 'lab', code: null }], 10, 1],
    ['an error outside of tests that all passed', [unit, { name: 'lab', code: 1, report: { numPassedTests: 5, numTotalTests: 5 } }], 15, 1],
    ['a project without a test', [unit, { name: 'lab', code: 0, report: { numPassedTests: 0, numTotalTests: 0 } }], 10, 1],
  ])('%s', (_what, parts, passed, failed) => {
    expect(total(parts)).toMatchObject({ passed, failed });
    expect(total(parts).reasons).toHaveLength(failed === 0 ? 0 : 1);
  });
});

describe('npm test', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-total-'));
    for (const folder of ['scripts', 'node_modules/vitest']) await mkdir(path.join(root, folder), { recursive: true });
    await copyFile(path.join(SCRIPTS, 'test.mjs'), path.join(root, 'scripts/test.mjs'));
    await writeFile(path.join(root, 'scripts/setup.mjs'), '');
    // Stands for Vitest: writes what it is told to, or nothing.
    const stub = `import { writeFileSync } from 'node:fs';
const project = process.argv[process.argv.indexOf('--project') + 1];
const { report, code } = JSON.parse(process.env.STUB)[project];
if (report !== null) writeFileSync(process.argv.find((word) => word.startsWith('--outputFile.json=')).slice(18), report);
process.exitCode = code;`;
    await writeFile(path.join(root, 'node_modules/vitest/vitest.mjs'), stub);
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  const GOOD = { unit: { report: '{"numPassedTests":4,"numTotalTests":4}', code: 0 }, lab: { report: '{"numPassedTests":3,"numTotalTests":3}', code: 0 } };

  it.each([
    ['all is well', 0, GOOD, 'tests: 7 passed, 0 failed', 0],
    ['the checks fail: no test is run', 1, GOOD, 'tests: 0 passed, 1 failed', 1],
    ['unit tests fail: those of the lab are run all the same', 0, { ...GOOD, unit: { report: '{"numPassedTests":3,"numTotalTests":4}', code: 1 } }, 'tests: 6 passed, 1 failed', 1],
    ['Vitest crashes without a report', 0, { ...GOOD, lab: { report: null, code: 1 } }, 'tests: 4 passed, 1 failed', 1],
    ['a report is cut off', 0, { ...GOOD, lab: { report: '{"numPassedTests":3,', code: 0 } }, 'tests: 4 passed, 1 failed', 1],
  ])('%s', async (_what, checks, stub, last, code) => {
    await writeFile(path.join(root, 'scripts/check.mjs'), `process.exitCode = ${String(checks)};`);
    const { status, stdout } = spawnSync(process.execPath, [path.join(root, 'scripts/test.mjs')], { encoding: 'utf8', env: { ...process.env, STUB: JSON.stringify(stub) } });
    expect(stdout.trim().split('\n').at(-1)).toBe(last);
    expect(status).toBe(code);
  });
});

describe('what tests need', () => {
  let bin: string;
  /** A PATH with these programs alone. */
  const needs = (purpose: string, ...programs: readonly string[]): { status: number | null; stderr: string } => {
    for (const program of programs) symlinkSync('/bin/true', path.join(bin, program));
    const { status, stderr } = spawnSync(process.execPath, [path.join(SCRIPTS, 'needs.mjs'), purpose], { encoding: 'utf8', env: { ...process.env, PATH: bin } });
    return { status, stderr };
  };
  beforeAll(async () => {
    bin = path.join(await mkdtemp(path.join(os.tmpdir(), 'lvs-play-needs-')), 'bin');
    await mkdir(bin);
  });
  afterAll(() => rm(path.dirname(bin), { recursive: true, force: true }));

  it('is named with its use and the command, in one message', () => {
    const { status, stderr } = needs('unit', 'ssh', 'curl');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^The unit tests cannot run here:\n/);
    expect(stderr).toContain('  busybox is missing (scripts under its sh)\n');
    expect(stderr).not.toContain('curl');
    expect(stderr).toMatch(/\nInstall what is missing, as root: apt-get install --no-install-recommends .*\bbusybox\b/);
  });

  it('is nothing where all is there', () => {
    expect(needs('lab', 'linux.uml', 'mmdebstrap', 'mkfs.ext4', 'ip', 'bridge', 'ssh-keygen', 'ssh-keyscan', 'setpriv', 'unshare', 'nsenter', 'flock', 'bash', 'arping', 'python3', 'ping')).toEqual({ status: 0, stderr: '' });
  });
});
