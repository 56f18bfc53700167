import { expect, it } from 'vitest';
import { namesOf } from '../../../../src/cli/verify/vantages.ts';
import type { Inventory } from '../../../../src/inventory/types.ts';
import { EXAMPLE, topologyOf } from '../../lvs/support.ts';

const HOSTS = ['lvs1', 'lvs2', 'rs1', 'rs2', 'client1', 'client2', 'mail'];
const group = (name: string, hosts: readonly string[]) => ({ name, children: [], hosts, vars: new Map() });
const INVENTORY: Inventory = {
  source: 'hosts.yml',
  hosts: new Map(HOSTS.map((name) => [name, { name, groups: [], vars: new Map() }])),
  groups: new Map([group('all', HOSTS), group('clients', ['client1', 'client2']), group('empty', [])].map((one) => [one.name, one])),
};
const names = (...from: string[]) => namesOf(from, INVENTORY, topologyOf(EXAMPLE));

it.each<[string, readonly string[], readonly string[]]>([
  ['nothing: this machine', [], ['controller']],
  ['a host', ['client1'], ['client1']],
  ['several, each once', ['client1', 'controller', 'clients'], ['client1', 'controller', 'client2']],
  ['a pattern', ['clients:!client2'], ['client1']],
  ['a glob', ['client*'], ['client1', 'client2']],
])('%s', (_what, from, expected) => {
  expect(names(...from)).toEqual(expected);
});

it.each<[string, string, RegExp, RegExp]>([
  ['a misspelt host', 'clent1', /no host is called "clent1"/, /did you mean client1/],
  ['a misspelt controller', 'contoller', /no host/, /did you mean controller/],
  ['an empty group', 'empty', /no host/, /./],
  ['a director', 'lvs1', /lvs1 is part of the cluster/, /neither directors nor real servers/],
  ['a pattern with a real server', 'all:!lvs1:!lvs2', /rs1 is part of the cluster/, /./],
])('is refused: %s', (_what, from, message, hint) => {
  expect(() => names(from)).toThrow(expect.objectContaining({ kind: 'usage', message: expect.stringMatching(message) as string, hint: expect.stringMatching(hint) as string }) as Error);
});
