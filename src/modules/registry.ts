import type { ErrorObject, ValidateFunction } from 'ajv';
import { LvsPlayError, type Position, throwCollected } from '../core/errors.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { Located } from '../core/located.ts';
import { suggest } from '../core/text/suggest.ts';
import type { ModuleDef } from './contract.ts';
import { loaders } from './loaders.ts';

export const moduleNames: readonly string[] = Object.keys(loaders).sort();

/** For the playbook loader: which modules there are, and where a free-form text goes. */
export const knownModules: ReadonlyMap<string, { readonly freeForm?: string }> = new Map(
  moduleNames.map((name) => [name, name === 'command' || name === 'shell' ? { freeForm: 'cmd' } : {}]),
);

const loaded = new Map<string, ModuleDef>();

/** @throws LvsPlayError `unknown-module` */
export async function loadModule(name: string): Promise<ModuleDef> {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const load = (loaders as Readonly<Record<string, (() => Promise<{ default: unknown }>) | undefined>>)[name];
  if (load === undefined) {
    const meant = suggest(name, moduleNames);
    throw new LvsPlayError({
      code: 'unknown-module',
      kind: 'input',
      message: `there is no module "${name}"`,
      hint: meant === undefined ? `the modules are ${moduleNames.join(', ')}` : `did you mean ${meant}?`,
    });
  }
  const module = (await load()).default as ModuleDef;
  loaded.set(name, module);
  return module;
}

const validators = new Map<string, ValidateFunction>();

async function validatorOf(module: ModuleDef): Promise<ValidateFunction> {
  const known = validators.get(module.name);
  if (known !== undefined) return known;
  const { Ajv } = await import('ajv');
  // Schemas are ours and checked by tests, which spares compiling JSON Schema's own schema; keywords for documentation are welcome.
  const validator = new Ajv({ allErrors: true, strict: false, verbose: true, validateSchema: false, code: { optimize: false } }).compile(module.schema as object);
  validators.set(module.name, validator);
  return validator;
}

/**
 * Checks a task's arguments against its module's schema.
 * @param task where a missing argument is reported
 * @throws LvsPlayError `bad-argument`, or several collected
 */
export async function validateArgs(module: ModuleDef, args: Located<JsonObject>, task?: Position): Promise<void> {
  const validate = await validatorOf(module);
  if (validate(args.value)) return;
  const errors = new Map<string, LvsPlayError>();
  const found = validate.errors ?? [];
  const meant = new Set(found.filter((error) => error.keyword === 'additionalProperties').map((error) => meantArgument(error, module)));
  // A misspelt argument is not missing as well.
  for (const error of found.filter(({ keyword, params }) => keyword !== 'required' || !meant.has(String(params['missingProperty'])))) {
    const explained = explain(error, module, args, task);
    // The branches of an anyOf each complain about the same place.
    const place = JSON.stringify(explained.position ?? explained.message);
    if (!errors.has(place)) errors.set(place, explained);
  }
  throwCollected([...errors.values()]);
}

function argumentsOf(module: ModuleDef): string[] {
  return Object.keys((module.schema as { properties?: object }).properties ?? {});
}

function meantArgument(error: ErrorObject, module: ModuleDef): string | undefined {
  return suggest((error.params as { readonly additionalProperty?: string }).additionalProperty ?? '', argumentsOf(module));
}

function explain(error: ErrorObject, module: ModuleDef, args: Located<JsonObject>, task: Position | undefined): LvsPlayError {
  const at = error.instancePath.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const params = error.params as { readonly additionalProperty?: string; readonly missingProperty?: string; readonly allowedValues?: readonly Json[] };
  const bad = (message: string, hint: string | undefined, position: Position | undefined): LvsPlayError =>
    new LvsPlayError({ code: 'bad-argument', kind: 'input', message: `${module.name}: ${message}`, position: position ?? task, hint: hint ?? `lvs-play module ${module.name} shows its arguments` });
  if (error.keyword === 'additionalProperties') {
    const name = params.additionalProperty ?? '';
    const known = argumentsOf(module);
    const meant = meantArgument(error, module);
    return bad(`unknown argument "${name}"`, meant === undefined ? `it takes ${known.join(', ') || 'none'}` : `did you mean ${meant}?`, args.locate([...at, name], 'key'));
  }
  if (error.keyword === 'required') return bad(`"${params.missingProperty ?? ''}" is missing`, undefined, task);
  if (error.keyword === 'enum') {
    const allowed = (params.allowedValues ?? []).map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
    const meant = typeof error.data === 'string' ? suggest(error.data, allowed) : undefined;
    return bad(`${at.join('.')}: ${shownValue(error.data)} is not one of ${allowed.join(', ')}`, meant === undefined ? undefined : `did you mean ${meant}?`, args.locate(at));
  }
  return bad(`${at.join('.') || 'arguments'} ${error.message ?? 'wrong'}, not ${shownValue(error.data)}`, undefined, args.locate(at));
}

/** A value in an error text: short ones as they are, others by their type, as they may be whole files. */
function shownValue(value: unknown): string {
  const text = JSON.stringify(value);
  if (text.length <= 40) return text;
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'a mapping' : `a ${typeof value}`;
}
