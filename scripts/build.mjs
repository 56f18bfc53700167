// Bundles the command line tool into dist/. A bundle starts in half the time that a tree of small files takes; splitting
// keeps what a command does not need out of its start.
import { chmod, readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));

await rm(path.join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { 'lvs-play': 'src/cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunks/[name]-[hash]',
  sourcemap: 'linked',
  legalComments: 'linked',
  logLevel: 'warning',
  define: { LVS_PLAY_VERSION: JSON.stringify(version) },
  // ssh2 loads a native addon and minijinja-js a WebAssembly file from beside themselves: bundled, they would lose them.
  external: ['ssh2', 'cpu-features', 'minijinja-js'],
  banner: {
    // CommonJS packages inside the bundle call `require` for Node's own modules.
    js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
});

await chmod(path.join(root, 'dist', 'lvs-play.js'), 0o755);
