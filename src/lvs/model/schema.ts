import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { FromSchema } from 'json-schema-to-ts';
import { isJsonObject, type Json } from '../../core/json.ts';
import type { DataPath } from '../../core/located.ts';
import { suggest } from '../../core/suggest.ts';
import { didYouMean, type Problems } from './problems.ts';

const seconds = { type: 'number', exclusiveMinimum: 0, maximum: 3600 } as const;

/** An HA pair. Ranges that LVS or VRRP set are rules of pairs.ts, where the message can say why. */
const pairSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['members', 'interface', 'virtual_router_id', 'vips'],
  properties: {
    members: {
      type: 'object',
      description: 'Inventory hosts and their VRRP priorities',
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['priority'],
        properties: { priority: { type: 'integer', description: '1-254, highest is MASTER' } },
      },
    },
    interface: { type: 'string', description: 'Interface of the adverts and the VIPs, e.g. eth0' },
    virtual_router_id: { type: 'integer', description: '1-255, unique on one layer 2' },
    vips: { type: 'array', minItems: 1, items: { type: 'string' }, description: 'Addresses, with a prefix length if it is not /32 or /128' },
    advert_int: { type: 'number', description: 'Seconds between adverts; default 1' },
    auth_pass: { type: 'string', description: 'VRRPv2 password of 1-8 characters, in quotes' },
    preempt: { type: 'boolean', description: 'Whether a returning MASTER takes the VIPs back; default true' },
  },
} as const;

const realServerSchema = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {
    weight: { type: 'integer', description: '0-2147483647; default 1' },
    port: { type: 'integer', description: 'Only with mode nat; default: the service port' },
    address: { type: 'string', description: 'Default: the address of the host' },
  },
} as const;

const healthCheckSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { enum: ['tcp', 'http', 'none'] },
    connect_timeout: { ...seconds, description: 'Seconds; default 3' },
    retry: { type: 'integer', minimum: 0, maximum: 1000, description: 'Failures after the first before a server is removed; default 3' },
    delay_before_retry: { ...seconds, description: 'Seconds; default 1' },
    port: { type: 'integer', minimum: 1, maximum: 65535, description: "Default: the real server's port" },
    // ~SEQ(...) and ~LST(...) are keepalived.conf's own: it would repeat the line.
    path: { type: 'string', pattern: '^(?!.*~(?:SEQ|LST)\\()/[A-Za-z0-9._~:/?&=%+,;@()*-]*$', description: 'http only; default /' },
    status: { type: 'integer', minimum: 100, maximum: 599, description: 'http only; default 200' },
  },
} as const;

const serviceSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['on', 'address', 'mode', 'scheduler', 'real_servers'],
  properties: {
    on: { type: 'string', description: 'An HA pair or one director' },
    address: { type: 'string', description: '192.168.0.38:80 or [2001:db8::1]:80' },
    protocol: { enum: ['tcp', 'udp', 'sctp'], description: 'Default tcp' },
    mode: { enum: ['dr', 'nat', 'tun'] },
    scheduler: { type: 'string' },
    persistence: { type: 'integer', minimum: 1, maximum: 2_678_400, description: 'Seconds a client stays with its server' },
    check_interval: { ...seconds, description: 'Seconds between health checks; default 6' },
    real_servers: { type: 'object', minProperties: 1, additionalProperties: realServerSchema },
    health_check: healthCheckSchema,
  },
} as const;

/** The inventory variable `lvs`. */
const lvsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    ha_pairs: { type: 'object', additionalProperties: pairSchema },
    virtual_services: { type: 'object', additionalProperties: serviceSchema },
  },
} as const;

export type RawPair = FromSchema<typeof pairSchema>;
export type RawService = FromSchema<typeof serviceSchema>;
export type RawHealthCheck = FromSchema<typeof healthCheckSchema>;

/** The entries that have the right shape; `badPairs`: names whose entry has not, which are known all the same. */
export interface ShapedLvs {
  readonly pairs: ReadonlyMap<string, RawPair>;
  readonly services: ReadonlyMap<string, RawService>;
  readonly badPairs: ReadonlySet<string>;
}

let compiled: ValidateFunction | undefined;

/** Compiled on first use: most commands of the CLI never need it. */
function validator(): ValidateFunction {
  compiled ??= new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true }).compile(lvsSchema);
  return compiled;
}

/** Adds a problem for every deviation from the schema; an entry with one is left out of the result. */
export function shapeOf(value: Json, problems: Problems): ShapedLvs {
  const validate = validator();
  const errors = validate(value) ? [] : (validate.errors ?? []);
  const bad = new Set<string>();
  for (const error of errors) {
    const path = pathOf(error.instancePath);
    bad.add(JSON.stringify(path.slice(0, 2)));
    report(error, path, problems);
  }
  const entries = <T>(section: string): Map<string, T> => {
    const written = isJsonObject(value) ? value[section] : undefined;
    const all = isJsonObject(written) ? Object.entries(written) : [];
    return new Map(all.filter(([name]) => !bad.has(JSON.stringify([section, name]))) as [string, T][]);
  };
  const pairs = entries<RawPair>('ha_pairs');
  const written = isJsonObject(value) && isJsonObject(value['ha_pairs']) ? Object.keys(value['ha_pairs']) : [];
  return { pairs, services: entries<RawService>('virtual_services'), badPairs: new Set(written.filter((name) => !pairs.has(name))) };
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
    const hint = `${didYouMean(suggest(written, allowed))}allowed: ${allowed.join(', ')}`;
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
