import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { FromSchema } from 'json-schema-to-ts';
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts';
import type { DataPath } from '../../../core/located.ts';
import { suggest } from '../../../core/text/suggest.ts';
import { didYouMean, type Problems } from '../problems.ts';
import type { checkSchema } from './check.ts';
import type { command, notify, track } from './common.ts';
import { bfdSchema, pairSchema, syncGroupSchema, trackFileSchema, trackProcessSchema, trackScriptSchema } from './pair.ts';
import { drainSchema, ipvsSchema, natNetworkSchema, serviceSchema } from './service.ts';

/** The inventory variable `lvs`. */
export const lvsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    script_user: { type: 'string', pattern: '^[a-z_][a-z0-9_-]*$', description: 'the user that check, track and notify scripts run as' },
    scripts: { type: 'object', additionalProperties: { type: 'string', description: 'the text of the script, with its #! line' } },
    ipvs: ipvsSchema,
    drain: drainSchema,
    track_scripts: { type: 'object', additionalProperties: trackScriptSchema },
    track_files: { type: 'object', additionalProperties: trackFileSchema },
    track_processes: { type: 'object', additionalProperties: trackProcessSchema },
    bfd: { type: 'object', additionalProperties: bfdSchema },
    ha_pairs: { type: 'object', additionalProperties: pairSchema },
    sync_groups: { type: 'object', additionalProperties: syncGroupSchema },
    nat_networks: { type: 'object', additionalProperties: natNetworkSchema },
    virtual_services: { type: 'object', additionalProperties: serviceSchema },
    lint: { type: 'object', description: 'what `lvs-play lint` shall not report, see docs/lint.md' },
  },
} as const;

export type RawPair = FromSchema<typeof pairSchema>;
export type RawService = FromSchema<typeof serviceSchema>;
export type RawHealthCheck = FromSchema<typeof checkSchema>;
export type RawSyncGroup = FromSchema<typeof syncGroupSchema>;
export type RawNatNetwork = FromSchema<typeof natNetworkSchema>;
export type RawTrackScript = FromSchema<typeof trackScriptSchema>;
export type RawTrackFile = FromSchema<typeof trackFileSchema>;
export type RawTrackProcess = FromSchema<typeof trackProcessSchema>;
export type RawBfd = FromSchema<typeof bfdSchema>;
export type RawIpvs = FromSchema<typeof ipvsSchema>;
export type RawDrain = FromSchema<typeof drainSchema>;
export type RawTrack = FromSchema<typeof track>;
export type RawNotify = FromSchema<typeof notify>;
export type RawCommand = FromSchema<typeof command>;

/** The entries that have the right shape. */
export interface ShapedLvs {
  readonly pairs: ReadonlyMap<string, RawPair>;
  readonly syncGroups: ReadonlyMap<string, RawSyncGroup>;
  readonly services: ReadonlyMap<string, RawService>;
  readonly natNetworks: ReadonlyMap<string, RawNatNetwork>;
  readonly trackScripts: ReadonlyMap<string, RawTrackScript>;
  readonly trackFiles: ReadonlyMap<string, RawTrackFile>;
  readonly trackProcesses: ReadonlyMap<string, RawTrackProcess>;
  readonly bfd: ReadonlyMap<string, RawBfd>;
  readonly scripts: ReadonlyMap<string, string>;
  readonly ipvs: RawIpvs | undefined;
  readonly drain: RawDrain | undefined;
  readonly scriptUser: string | undefined;
  /** Whether a section has an entry of that name, of a right shape or not: what hangs on a wrong one is no second mistake. */
  isWritten(section: string, name: string): boolean;
}

let compiled: ValidateFunction | undefined;

/**
 * Compiled on first use: most commands of the CLI never need it. Whether it is a schema at all, a test says: here that would be compiling JSON Schema's own schema
 * as well, a fifth of what `plan` costs this machine. Neither does it pay to optimise code that runs once.
 */
function validator(): ValidateFunction {
  compiled ??= new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, validateSchema: false, code: { optimize: false } }).compile(lvsSchema);
  return compiled;
}

/** Adds a problem for every deviation from the schema; an entry with one is left out of the result. */
export function shapeOf(value: Json, problems: Problems): ShapedLvs {
  const validate = validator();
  const all = validate(value) ? [] : (validate.errors ?? []);
  // What is of the wrong type fails other rules too; that alone says what to mend.
  const mistyped = new Set(all.filter((error) => error.keyword === 'type').map((error) => error.instancePath));
  const errors = all.filter((error) => error.keyword === 'type' || !mistyped.has(error.instancePath));
  const bad = new Set<string>();
  for (const error of errors) {
    const path = pathOf(error.instancePath);
    bad.add(JSON.stringify(path.slice(0, 2)));
    report(error, path, problems);
  }
  const written = (section: string): JsonObject => {
    const found = isJsonObject(value) ? value[section] : undefined;
    return isJsonObject(found) ? found : {};
  };
  const entries = <T>(section: string): Map<string, T> => new Map(Object.entries(written(section)).filter(([name]) => !bad.has(JSON.stringify([section, name]))) as [string, T][]);
  const isSound = (section: string): boolean => ![...bad].some((entry) => entry.startsWith(JSON.stringify([section]).slice(0, -1)));
  const scriptUser = isJsonObject(value) ? value['script_user'] : undefined;
  return {
    pairs: entries('ha_pairs'),
    syncGroups: entries('sync_groups'),
    services: entries('virtual_services'),
    natNetworks: entries('nat_networks'),
    trackScripts: entries('track_scripts'),
    trackFiles: entries('track_files'),
    trackProcesses: entries('track_processes'),
    bfd: entries('bfd'),
    scripts: entries('scripts'),
    ipvs: isSound('ipvs') ? written('ipvs') : undefined,
    drain: isSound('drain') ? written('drain') : undefined,
    scriptUser: typeof scriptUser === 'string' ? scriptUser : undefined,
    isWritten: (section, name) => name in written(section),
  };
}

function pathOf(pointer: string): DataPath {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function report(error: ErrorObject, path: DataPath, problems: Problems): void {
  const where = ['lvs', ...path].join('.');
  const params = error.params as Readonly<Record<string, unknown>>;
  if (error.keyword === 'additionalProperties') {
    const key = String(params['additionalProperty']);
    const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {});
    const hint = `${didYouMean(suggest(key, known))}known here: ${known.join(', ')}`;
    return problems.add({ code: 'unknown-key', message: `unknown key ${key} in ${where}`, path: [...path, key], of: 'key', hint });
  }
  if (error.keyword === 'required') {
    const key = String(params['missingProperty']);
    const described = describe(error.parentSchema, key);
    return problems.add({ code: 'missing-key', message: `${where} has no ${key}`, path, of: 'key', hint: `add ${key}:${described === undefined ? '' : ` (${described})`}` });
  }
  if (error.keyword === 'enum') {
    const allowed = (params['allowedValues'] as readonly unknown[]).map(String);
    const written = typeof error.data === 'string' ? error.data : '';
    // 1.0 without quotes is the number 1.
    const number = typeof error.data === 'number' && (params['allowedValues'] as readonly unknown[]).every((one) => typeof one === 'string');
    const hint = `${number ? 'put it in quotes; ' : didYouMean(suggest(written, allowed))}allowed: ${allowed.join(', ')}`;
    return problems.add({ code: 'bad-value', message: `${where} is none of ${allowed.join(', ')}`, path, hint });
  }
  const about = describe(error.parentSchema);
  const numberForText = error.keyword === 'type' && typeof error.data === 'number' && String(params['type']) === 'string';
  problems.add({
    code: error.keyword === 'type' ? 'wrong-type' : 'bad-value',
    message: `${where} ${error.message ?? 'is not valid'}`,
    path,
    hint: numberForText ? 'put it in quotes' : (about ?? 'see the shape of the lvs variable in the documentation'),
  });
}

function describe(schema: unknown, key?: string): string | undefined {
  const at = key === undefined ? schema : (schema as { properties?: Record<string, unknown> }).properties?.[key];
  return (at as { description?: string } | undefined)?.description;
}
