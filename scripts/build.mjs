// Bundles the command line tool into dist/, or into the folder that is named. A bundle starts in half the time that a tree of small files takes; splitting
// keeps what a command does not need out of its start.
import { chmod, readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
// ssh2 loads a native addon and minijinja-js a WebAssembly file from beside themselves: bundled, they would lose them.
const EXTERNAL = ['ssh2', 'cpu-features', 'minijinja-js'];
const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
const ptraceSource = await readFile(path.join(root, 'src/lab/kernel/ptrace-xstate.c'), 'utf8');

/**
 * `await import('package')` of a CommonJS package gives its named exports in Node, but only `default` in a bundle. A module in between names
 * them, as Node itself finds them.
 */
const namedExports = {
  name: 'named-exports',
  setup(bundler) {
    bundler.onResolve({ filter: /^[a-z@]/ }, async ({ path: name, kind, importer }) => {
      if (kind !== 'dynamic-import' || !importer.startsWith(path.join(root, 'src')) || isBuiltin(name) || EXTERNAL.includes(name)) return undefined;
      return { path: name, namespace: 'named-exports' };
    });
    bundler.onLoad({ filter: /.*/, namespace: 'named-exports' }, async ({ path: name }) => {
      const names = Object.keys(await import(name)).filter((each) => /^[A-Za-z_$][\w$]*$/.test(each) && each !== 'module.exports');
      return { contents: `export { ${names.join(', ')} } from '${name}';`, resolveDir: root };
    });
  },
};

const outdir = path.resolve(root, process.argv[2] ?? 'dist');
await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { 'lvs-play': 'src/cli/main.ts' },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunks/[name]-[hash]',
  sourcemap: 'linked',
  legalComments: 'linked',
  logLevel: 'warning',
  define: { LVS_PLAY_VERSION: JSON.stringify(version), LVS_PLAY_PTRACE_SOURCE: JSON.stringify(ptraceSource) },
  external: EXTERNAL,
  plugins: [namedExports],
  banner: {
    // CommonJS packages inside the bundle call `require` for Node's own modules.
    js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
});

await chmod(path.join(outdir, 'lvs-play.js'), 0o755);
