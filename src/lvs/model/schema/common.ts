/** Pieces that the schemas of the variable `lvs` share. A union of a scalar and an object is one schema with two types: Ajv's messages of anyOf help nobody. */

export const seconds = { type: 'number', exclusiveMinimum: 0, maximum: 3600 } as const;
export const port = { type: 'integer', minimum: 1, maximum: 65535 } as const;

/** An interface as the kernel takes it. */
export const INTERFACE_NAME = '^(?!include$)[A-Za-z0-9_.-]{1,15}$';
export const interfaceName = { type: 'string', pattern: INTERFACE_NAME, description: 'at most 15 letters, digits, _ . and -, as ip link shows it' } as const;

/**
 * A value that stands in keepalived.conf in quotes or as a word: printable ASCII without what ends a string, begins a comment or a
 * block, is a variable ($) or repeats the line (~SEQ, ~LST).
 */
export const PLAIN_TEXT = '^(?!.*~(?:SEQ|LST)\\()[\\x20!%-~]*$';

/** A program: its words, or one string that is split as a shell splits words. */
export const command = {
  type: ['string', 'array'],
  minLength: 1,
  minItems: 1,
  items: { type: 'string' },
  description: 'a name of lvs.scripts or an absolute path, with arguments: [check_db, 3306] or "/usr/bin/check 3306"',
} as const;

export const notify = {
  type: 'object',
  additionalProperties: false,
  properties: { master: command, backup: command, fault: command, stop: command, any: command },
} as const;

const trackItems = {
  type: 'array',
  items: {
    type: ['string', 'object'],
    additionalProperties: false,
    required: ['name'],
    properties: { name: { type: 'string' }, weight: { type: 'integer', minimum: -253, maximum: 253, description: '-253 to 253, what its failure takes off the priority (or its success adds); without: FAULT' } },
    description: 'a name, or { name: NAME, weight: -20 }',
  },
} as const;

export const track = {
  type: 'object',
  additionalProperties: false,
  properties: { interfaces: trackItems, scripts: trackItems, files: trackItems, processes: trackItems, bfd: trackItems },
} as const;
