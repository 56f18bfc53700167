// Checks the import rules of .dependency-cruiser.cjs. With a TypeScript it does not know, dependency-cruiser silently looks
// at nothing, so the number of modules it saw is part of the check.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { forbidden, options } = createRequire(import.meta.url)(path.join(root, '.dependency-cruiser.cjs'));

process.chdir(root);
const { output } = await cruise(
  ['src'],
  { ...options, ruleSet: { forbidden }, validate: true },
  undefined,
  { tsConfig: extractTSConfig(path.join(root, options.tsConfig.fileName)) },
);
const ours = output.modules.filter((module) => module.source.startsWith('src/'));
const imports = ours.reduce((sum, module) => sum + module.dependencies.length, 0);
for (const violation of output.summary.violations) {
  process.stderr.write(`${violation.rule.name}: ${violation.from} -> ${(violation.cycle ?? [{ name: violation.to }]).map((step) => step.name).join(' -> ')}\n`);
}
process.stdout.write(`imports: ${ours.length} modules with ${imports} imports cruised, ${output.summary.violations.length} violations\n`);
if (ours.length === 0 || imports === 0) {
  process.stderr.write('nothing was cruised: the rules were not checked\n');
  process.exitCode = 1;
}
if (output.summary.violations.length > 0) process.exitCode = 1;
