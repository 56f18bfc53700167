// All of the tests, from nothing: set-up, checks, unit tests, lab tests. The last line adds them up: `tests: N passed, N failed`.
// A part that cannot say how it went counts as a failure, and so does a test that was not run.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * Adds up what parts of a run reported.
 * @param parts each `{ name, code, report }`: the exit code of its process (null: killed), and Vitest's JSON report (undefined: it made none, or has none to make)
 * @returns `{ passed, failed, reasons }`
 */
export function total(parts) {
  const sum = { passed: 0, failed: 0, reasons: [] };
  for (const { name, code, report } of parts) {
    const passed = report?.numPassedTests ?? 0;
    // Tests behind a hook that failed are "skipped" or "pending" there: they did not pass.
    const failed = report === undefined ? 0 : report.numTotalTests - passed;
    sum.passed += passed;
    sum.failed += failed;
    if (failed > 0) sum.reasons.push(`${name}: ${failed} of ${report.numTotalTests} did not pass`);
    else if (code !== 0) {
      // A file that could not be read, an error outside of any test, a crash.
      sum.failed += 1;
      sum.reasons.push(`${name}: ended with ${code === null ? 'a signal' : `exit code ${code}`}`);
    } else if (report !== undefined && passed === 0) {
      sum.failed += 1;
      sum.reasons.push(`${name}: no test was run`);
    }
  }
  return sum;
}

/** Runs a part to its end before the reader's eyes. */
function run(name, command, args) {
  process.stderr.write(`\n# ${name}\n`);
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
    child.on('error', (error) => {
      process.stderr.write(`${error.message}\n`);
      resolve(1);
    });
    child.on('close', resolve);
  });
}

/** A project of Vitest. A missing or broken report is one in which nothing passed. */
async function vitest(folder, name, ...options) {
  const file = path.join(folder, `${name}.json`);
  const code = await run(`${name} tests`, process.execPath, [path.join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', name, '--reporter=default', '--reporter=./test/failures-at-once.ts', '--reporter=json', `--outputFile.json=${file}`, ...options]);
  try {
    return { name, code, report: JSON.parse(readFileSync(file, 'utf8')) };
  } catch {
    return { name, code: code === 0 ? 1 : code, report: undefined };
  }
}

async function main() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-test-'));
  const started = Date.now();
  const parts = [];
  const part = async (made) => {
    const one = await made;
    parts.push(one);
    return one.code === 0;
  };
  const script = async (name, file, ...args) => ({ name, code: await run(name, process.execPath, [path.join(root, 'scripts', file), ...args]), report: undefined });
  try {
    // Tests of code that does not pass the checks say little; failed unit tests do not keep the lab's from saying more.
    if ((await part(script('set-up', 'setup.mjs', 'test'))) && (await part(script('checks', 'check.mjs')))) {
      await part(vitest(folder, 'unit', '--coverage'));
      await part(vitest(folder, 'lab'));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const { passed, failed, reasons } = total(parts);
  process.stderr.write(`\n${reasons.map((reason) => `FAILED ${reason}\n`).join('')}${((Date.now() - started) / 60_000).toFixed(1)} minutes\n`);
  process.stdout.write(`tests: ${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
