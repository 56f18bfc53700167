import { checksSchema } from './check.ts';
import { command, interfaceName, port, seconds } from './common.ts';

/** 31 days: ipvsadm and keepalived take no more seconds for persistence and the time-outs of connections. */
const MAX_TIMEOUT = 2_678_400;

const threshold = { type: 'integer', minimum: 0, maximum: 2_147_483_647, description: 'connections; 0: no limit' } as const;

const realServerSchema = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {
    weight: { type: 'integer', description: '0-2147483647; default 1' },
    port: { type: 'integer', description: 'Only with mode nat; default: the service port' },
    address: { type: 'string', description: 'Default: the address of the host' },
    upper_threshold: threshold,
    lower_threshold: threshold,
    inhibit_on_failure: { type: 'boolean' },
    health_check: checksSchema,
    on_up: command,
    on_down: command,
  },
} as const;

const protocol = { enum: ['tcp', 'udp', 'sctp'], description: 'Default tcp' } as const;
const mode = { enum: ['dr', 'nat', 'tun'] } as const;

export const serviceSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['on', 'mode', 'scheduler', 'real_servers'],
  properties: {
    on: { type: 'string', description: 'An HA pair or one director' },
    manager: { enum: ['keepalived', 'script'], description: 'what fills the IPVS table; script: no keepalived and no health checks, only on one director; default keepalived' },
    address: { type: 'string', description: '192.168.0.38:80 or [2001:db8::1]:80' },
    fwmark: { type: 'integer', minimum: 1, maximum: 4_294_967_295, description: '1-4294967295, instead of address; packets to the endpoints get it' },
    endpoints: {
      type: 'array',
      minItems: 1,
      items: {
        type: ['string', 'object'],
        additionalProperties: false,
        required: ['address'],
        properties: { address: { type: 'string' }, protocol },
        description: '192.168.0.38:80, or { address: 192.168.0.38:53, protocol: udp }',
      },
    },
    interface: { ...interfaceName, description: 'Where a single director carries the VIP; without it, the address is its own' },
    protocol,
    mode,
    tunnel: {
      type: ['string', 'object'],
      pattern: '^(ipip|gue|gre)$',
      additionalProperties: false,
      required: ['type'],
      properties: { type: { enum: ['ipip', 'gue', 'gre'] }, port, checksum: { enum: ['none', 'csum', 'remcsum'] } },
      description: 'ipip, or { type: gue, port: 6080, checksum: none }',
    },
    scheduler: { type: 'string' },
    scheduler_flags: { type: 'array', uniqueItems: true, items: { enum: ['sh-port', 'sh-fallback', 'mh-port', 'mh-fallback'] } },
    one_packet: { type: 'boolean', description: 'schedule each UDP packet by itself' },
    persistence: {
      type: ['integer', 'object'],
      minimum: 1,
      maximum: MAX_TIMEOUT,
      additionalProperties: false,
      required: ['timeout'],
      properties: {
        timeout: { type: 'integer', minimum: 1, maximum: MAX_TIMEOUT },
        prefix: { type: 'integer', minimum: 0, maximum: 128, description: 'clients of one network stay together; default 32, with IPv6 128' },
        netmask: { type: 'string', description: 'the same, written as 255.255.255.0' },
        engine: { enum: ['sip'] },
      },
      description: 'Seconds a client stays with its server, or { timeout: 300, prefix: 24, engine: sip }',
    },
    real_servers: { type: 'object', minProperties: 1, additionalProperties: realServerSchema },
    sorry_server: {
      type: 'object',
      additionalProperties: false,
      properties: { host: { type: 'string' }, address: { type: 'string' }, port: { ...port, description: 'Default: the service port' }, mode, inhibit: { type: 'boolean' } },
    },
    quorum: {
      type: ['integer', 'object'],
      minimum: 1,
      maximum: 2_147_483_647,
      additionalProperties: false,
      properties: {
        count: { type: 'integer', minimum: 1, maximum: 2_147_483_647, description: 'sum of the weights of live servers; default 1' },
        hysteresis: { type: 'integer', minimum: 0, maximum: 2_147_483_647 },
        up: command,
        down: command,
      },
      description: '2, or { count: 2, hysteresis: 1, up: [script], down: [script] }',
    },
    alpha: { type: 'boolean', description: 'servers count as dead until their first good check' },
    omega: { type: 'boolean', description: 'down scripts run when keepalived stops' },
    inhibit_on_failure: { type: 'boolean', description: 'a failed server gets weight 0 instead of being removed' },
    check_interval: { ...seconds, description: 'Seconds between health checks; default 6' },
    health_check: checksSchema,
    helper: { enum: ['ftp'] },
  },
} as const;

export const natNetworkSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['on', 'network', 'gateway'],
  properties: {
    on: { type: 'string', description: 'An HA pair or one director' },
    network: { type: 'string', description: "The real servers' network, e.g. 192.168.0.0/24" },
    gateway: { type: 'string', description: "The director's inside address, with a pair the floating one: the real servers' default route" },
    masquerade: { type: 'boolean', description: 'what the real servers begin themselves leaves with the address of the director; default true' },
  },
} as const;

/** The inventory variable `lvs.drain`. */
export const drainSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { method: { enum: ['auto', 'reload', 'flag'], description: 'how keepalived gives a real server no new clients: weight 0 and a reload, or a flag file that it watches; default auto' } },
} as const;

/** The inventory variable `lvs.ipvs`. */
export const ipvsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    timeouts: {
      type: 'object',
      additionalProperties: false,
      required: ['tcp', 'tcp_fin', 'udp'],
      properties: {
        tcp: { type: 'integer', minimum: 1, maximum: MAX_TIMEOUT },
        tcp_fin: { type: 'integer', minimum: 1, maximum: MAX_TIMEOUT },
        udp: { type: 'integer', minimum: 1, maximum: MAX_TIMEOUT },
      },
    },
    sysctls: { type: 'object', propertyNames: { pattern: '^[a-z0-9_]+$' }, additionalProperties: { type: ['integer', 'string'], pattern: '^[0-9 ]+$' }, description: 'below net.ipv4.vs' },
  },
} as const;
