// Types, lint, import rules, unused code: two at a time, as none of them uses more than one core. Each prints when it has ended.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** Scripts of package.json; those of a lane one after the other. */
const LANES = [['lint'], ['typecheck', 'imports', 'knip']];

function run(script) {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', script], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
    child.on('error', (error) => resolve({ code: 1, text: `${error.message}\n` }));
    child.on('close', (code) => resolve({ code, text: Buffer.concat(said).toString() }));
  });
}

await Promise.all(
  LANES.map(async (scripts) => {
    for (const script of scripts) {
      const { code, text } = await run(script);
      process.stderr.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${script}\n${text}`);
      if (code !== 0) process.exitCode = 1;
    }
  }),
);
