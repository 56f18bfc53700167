import { command, interfaceName, notify, port, track } from './common.ts';

const addresses = {
  type: 'array',
  items: {
    type: ['string', 'object'],
    additionalProperties: false,
    required: ['address'],
    properties: { address: { type: 'string', description: 'an address, with a prefix length if it is not /32 or /128' }, interface: interfaceName },
    description: 'an address with a prefix length if it is not /32 or /128, or { address: 10.0.0.1/24, interface: eth1 }',
  },
} as const;

const count = { type: 'integer', minimum: 0, maximum: 1000 } as const;
const delay = { type: 'number', minimum: 0, maximum: 1000 } as const;

/** An HA pair. Ranges that LVS or VRRP set are rules of pairs.ts, where the message can say why. */
export const pairSchema = {
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
        properties: {
          priority: { type: 'integer', description: '1-254, highest is MASTER' },
          interface: { ...interfaceName, description: `${interfaceName.description}; default: the pair's` },
          address: { type: 'string', description: "Source of this member's adverts; default: the host's address" },
        },
      },
    },
    interface: { type: 'string', description: 'Interface of the adverts and the VIPs, e.g. eth0' },
    virtual_router_id: { type: 'integer', description: '1-255, unique on one layer 2' },
    vips: { ...addresses, minItems: 1, description: 'Addresses, with a prefix length if it is not /32 or /128; those of the first one\'s family are in the adverts' },
    excluded_vips: { ...addresses, description: 'Addresses that move with the VIPs but are not in the adverts' },
    version: { enum: [2, 3], description: 'VRRP version; default 2, with IPv6 3' },
    advert_int: { type: 'number', description: 'Seconds between adverts; default 1' },
    auth_pass: { type: 'string', description: 'VRRPv2 password of 1-8 characters, in quotes' },
    preempt: { type: 'boolean', description: 'Whether a returning MASTER takes the VIPs back; default true' },
    preempt_delay: { ...delay, description: 'Seconds before it does; default 0' },
    unicast: { type: 'boolean', description: "Adverts go to the members' addresses instead of 224.0.0.18; default false" },
    vmac: {
      type: ['boolean', 'object'],
      additionalProperties: false,
      properties: { interface: interfaceName, adverts_from_base: { type: 'boolean' } },
      description: 'true, or { interface: vrrp.51, adverts_from_base: false }',
    },
    garp: {
      type: 'object',
      additionalProperties: false,
      properties: { delay: count, repeat: { ...count, minimum: 1 }, refresh: count, refresh_repeat: { ...count, minimum: 1 }, lower_priority_repeat: count },
    },
    track,
    notify,
    routes: { type: 'array', items: { type: 'string' }, description: 'Routes that move with the VIPs, in the words of ip route' },
    rules: { type: 'array', items: { type: 'string' }, description: 'Rules that move with the VIPs, in the words of ip rule' },
    connection_sync: {
      type: ['boolean', 'object'],
      additionalProperties: false,
      properties: {
        interface: interfaceName,
        sync_id: { type: 'integer', minimum: 0, maximum: 255, description: '0-255; default: the virtual_router_id' },
        port,
        group: { type: 'string', description: 'Multicast group; default 224.0.0.81' },
        ttl: { type: 'integer', minimum: 1, maximum: 255 },
        maxlen: { type: 'integer', minimum: 1, maximum: 65507 },
      },
      description: 'true, or { interface: eth1, sync_id: 51, port:, group:, ttl:, maxlen: }',
    },
  },
} as const;

export const syncGroupSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['pairs'],
  properties: { pairs: { type: 'array', minItems: 1, items: { type: 'string' }, description: 'HA pairs that move together' }, track, notify },
} as const;

export const trackScriptSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['command'],
  properties: {
    command,
    user: { type: 'string' },
    interval: { type: 'integer', minimum: 1, maximum: 86400, description: 'Seconds; default 1' },
    timeout: { type: 'integer', minimum: 1, maximum: 86400, description: 'Seconds; default: the interval' },
    weight: { type: 'integer', minimum: -253, maximum: 253, description: '-253 to 253; without: a failure means FAULT' },
    fall: { type: 'integer', minimum: 1, maximum: 1000, description: 'Failures in a row; default 1' },
    rise: { type: 'integer', minimum: 1, maximum: 1000, description: 'Successes in a row; default 1' },
  },
} as const;

export const trackFileSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['file'],
  properties: { file: { type: 'string', pattern: '^/[A-Za-z0-9._/+:@-]+$', description: 'an absolute path' }, weight: { type: 'integer', minimum: -254, maximum: 254 } },
} as const;

export const trackProcessSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['process'],
  properties: {
    process: { type: 'string', pattern: '^[A-Za-z0-9._/+:@-]+$', description: 'The name of the program, e.g. nginx' },
    weight: { type: 'integer', minimum: -254, maximum: 254 },
    quorum: { type: 'integer', minimum: 1, maximum: 65535, description: 'How many must run; default 1' },
  },
} as const;

const milliseconds = { type: 'integer', minimum: 1, maximum: 1000, description: '1-1000 milliseconds' } as const;

export const bfdSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['neighbor'],
  properties: {
    neighbor: { type: 'string', description: 'The address of the other side' },
    source: { type: 'string' },
    min_rx: milliseconds,
    min_tx: milliseconds,
    idle_tx: { ...milliseconds, minimum: 1000, maximum: 10000, description: '1000-10000 milliseconds' },
    multiplier: { type: 'integer', minimum: 1, maximum: 255 },
    passive: { type: 'boolean' },
  },
} as const;
