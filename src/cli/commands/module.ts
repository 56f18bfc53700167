import { Command } from 'commander';
import { LvsPlayError } from '../../core/errors.ts';
import { isJsonObject } from '../../core/json.ts';
import { suggest } from '../../core/text/suggest.ts';
import type { ModuleDef } from '../../modules/contract.ts';
import { printResult } from '../output.ts';

/** `lvs-play module [NAME]`: the documentation of modules, made from the schemas that check their arguments. */
export function moduleCommand(): Command {
  return new Command('module')
    .alias('modules')
    .description('list the modules, or show the arguments of one')
    .argument('[name]', 'module')
    .option('--json', 'print as JSON')
    .action(async (name: string | undefined, flags: { readonly json?: true }) => {
      const { loadModule, moduleNames } = await import('../../modules/registry.ts');
      const { stringify } = await import('yaml');
      if (name !== undefined) {
        const module = await loadModule(knownName(name.replace(/^ansible\.(builtin|legacy)\./, ''), moduleNames));
        printResult(flags.json === true ? json(moduleDocument(module)) : moduleText(module, (value) => stringify(value, { lineWidth: 0 })));
        return;
      }
      const modules = await Promise.all(moduleNames.map((each) => loadModule(each)));
      const width = Math.max(...modules.map((module) => module.name.length));
      printResult(flags.json === true ? json(modules.map(moduleDocument)) : modules.map((module) => `${module.name.padEnd(width)}  ${module.summary}\n`).join(''));
    });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function knownName(name: string, names: readonly string[]): string {
  if (names.includes(name)) return name;
  const near = suggest(name, names);
  throw new LvsPlayError({
    code: 'unknown-module',
    kind: 'usage',
    message: `unknown module "${name}"`,
    hint: near === undefined ? `the modules are: ${[...names].sort().join(', ')}` : `did you mean "${near}"?`,
  });
}

function moduleDocument(module: ModuleDef): object {
  const { name, summary, schema, examples, freeForm, action } = module;
  return { name, summary, schema, examples, ...(freeForm === undefined ? {} : { freeForm }), action: action === true };
}

/** A module's page for a terminal. Pure. @param yaml writes an example */
export function moduleText(module: ModuleDef, yaml: (value: unknown) => string): string {
  const lines = [module.name, `  ${module.summary}`, ''];
  if (module.action === true) lines.push('  Runs each time: it has no state to compare.', '');
  if (module.freeForm !== undefined) lines.push(`  Free text after the module's name is its ${module.freeForm}.`, '');
  lines.push('ARGUMENTS', ...argumentLines(module), '', 'EXAMPLES');
  for (const { name, args } of module.examples) {
    const task = yaml([{ name, [module.name]: isJsonObject(args) && Object.keys(args).length === 0 ? null : args }]);
    lines.push(...task.trimEnd().split('\n').map((line) => `  ${line.replace(/: null$/, ':')}`), '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function argumentLines(module: ModuleDef): string[] {
  const schema: unknown = module.schema;
  const properties = isJsonObject(schema) && isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = isJsonObject(schema) && Array.isArray(schema['required']) ? schema['required'] : [];
  const rows = Object.entries(properties).flatMap(([name, property]) => {
    if (!isJsonObject(property)) return [];
    const facts = [typeOf(property), required.includes(name) ? 'required' : '', property['default'] === undefined ? '' : `default ${JSON.stringify(property['default'])}`].filter((fact) => fact !== '');
    const text = typeof property['description'] === 'string' ? property['description'] : '';
    return [`  ${name} (${facts.join(', ')})`, ...(text === '' ? [] : [`      ${text}`])];
  });
  return rows.length === 0 ? ['  none'] : rows;
}

function typeOf(property: Readonly<Record<string, unknown>>): string {
  if (Array.isArray(property['enum'])) return property['enum'].map(String).join(' | ');
  const { type } = property;
  if (Array.isArray(type)) return type.map(String).join(' or ');
  if (typeof type === 'string') return type === 'array' ? 'list' : type === 'object' ? 'mapping' : type;
  const choices = property['anyOf'] ?? property['oneOf'];
  return Array.isArray(choices) ? choices.flatMap((choice: unknown) => (isJsonObject(choice) ? [typeOf(choice)] : [])).join(' or ') : 'any';
}
