import { command, PLAIN_TEXT, port, seconds } from './common.ts';

// ~SEQ(...) and ~LST(...) are keepalived.conf's own: it would repeat the line.
const path = { type: 'string', pattern: '^(?!.*~(?:SEQ|LST)\\()/[A-Za-z0-9._~:/?&=%+,;@()*-]*$', description: 'default /' } as const;
const status = {
  type: ['integer', 'string', 'array'],
  minimum: 100,
  maximum: 599,
  pattern: '^[1-5]\\d\\d(-[1-5]\\d\\d)?$',
  minItems: 1,
  items: { type: ['integer', 'string'], minimum: 100, maximum: 599, pattern: '^[1-5]\\d\\d(-[1-5]\\d\\d)?$' },
  description: 'a code of 100-599, "200-299", or a list of such; default 200',
} as const;
const digest = { type: 'string', pattern: '^[0-9a-f]{32}$', description: 'MD5 of the body, 32 hex digits in lower case, as genhash prints it' } as const;
const regex = { type: 'string', minLength: 1, pattern: PLAIN_TEXT, description: 'a PCRE2 pattern that must match the body, of printable characters without " # $' } as const;

const url = { path, status, digest, regex, regex_absent: { type: 'boolean', description: 'the pattern must not match' } } as const;

/** Which keys a type of check has is a rule of checks.ts. */
export const checkSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { enum: ['tcp', 'http', 'ssl', 'smtp', 'dns', 'ping', 'udp', 'misc', 'file', 'bfd', 'none'] },
    connect_timeout: { ...seconds, description: 'Seconds; default 3' },
    retry: { type: 'integer', minimum: 0, maximum: 1000, description: 'Failures after the first before a server is removed; default 3' },
    delay_before_retry: { ...seconds, description: 'Seconds; default 1' },
    interval: { ...seconds, description: "Seconds between checks; default: the service's check_interval" },
    warmup: { type: 'number', minimum: 0, maximum: 3600, description: 'Longest random wait before the first check, seconds' },
    port: { ...port, description: "Default: the real server's port" },
    address: { type: 'string', description: "Asked instead of the real server's own address" },
    ...url,
    urls: { type: 'array', minItems: 1, items: { type: 'object', additionalProperties: false, properties: url }, description: 'several pages; instead of path, status, digest and regex' },
    virtual_host: { type: 'string', pattern: '^[A-Za-z0-9.:_-]+$', description: 'the Host header' },
    http_version: { enum: ['1.0', '1.1'], description: 'in quotes; default 1.0' },
    helo_name: { type: 'string', pattern: '^[A-Za-z0-9._-]+$' },
    record_type: { enum: ['A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY'], description: 'default SOA' },
    name: { type: 'string', pattern: '^[A-Za-z0-9._-]+$', description: 'asked for by the dns check; default "."' },
    payload: { type: 'string', minLength: 1, pattern: PLAIN_TEXT, description: 'sent by the udp check' },
    require_reply: { type: 'boolean', description: 'a udp server must answer; default false: it only must not refuse' },
    command,
    user: { type: 'string' },
    timeout: { type: 'integer', minimum: 1, maximum: 3600, description: 'whole seconds for the command' },
    dynamic_weight: { type: 'boolean', description: 'exit codes 2-255 set the weight to 0-253' },
    track_file: { type: 'string', description: 'A name of lvs.track_files' },
    weight: { type: 'integer', minimum: -2_147_483_647, maximum: 2_147_483_647, description: 'what the number in the file is multiplied by' },
    instance: { type: 'string', description: 'A name of lvs.bfd' },
  },
} as const;

/** One check, or several that all must pass. */
export const checksSchema = { ...checkSchema, type: ['object', 'array'], minItems: 1, items: checkSchema } as const;
