import { describe, expect, it } from 'vitest';
import { editInventory } from '../../../src/rehearse/inventory/edit.ts';

const keep = (hosts: string[], services = ['web'], pairs = ['edge']) => ({ keep: { hosts: new Set(hosts), services: new Set(services), pairs: new Set(pairs) } });

describe('an inventory with less in it', () => {
  it.each([
    ['a range that stays in part is written out', 'all:\n  hosts:\n    rs[01:03]: { a: 0644 }\n    "db[1:2]":\n', ['rs01', 'rs03'], 'all:\n  hosts:\n    rs01: { a: 0644 }\n    rs03: { a: 0644 }\n'],
    ['a port stays with its host', 'all:\n  hosts:\n    rs[1:2]:2222:\n', ['rs2'], 'all:\n  hosts:\n    rs2:2222:\n'],
    ['groups below', 'g:\n  children:\n    h: { hosts: { a: , b: } }\n', ['b'], 'g:\n  children:\n    h: { hosts: { b: } }\n'],
    ['a single name in place of a mapping', 'g:\n  hosts: a\n  vars: { x: 1 }\n', ['b'], 'g:\n  vars: { x: 1 }\n'],
    ['nothing to do: not a byte changes', 'all:\n    hosts:  # all of them\n       a:   { x:   yes }\n', ['a'], 'all:\n    hosts:  # all of them\n       a:   { x:   yes }\n'],
  ])('%s', (_, text, hosts, expected) => {
    expect(editInventory(text, 'hosts', keep(hosts))).toBe(expected);
  });

  it('cuts out of lvs what is not kept, wherever it stands, and leaves the rest as it was written', () => {
    const text = `# The cluster.
secret: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  6162
mode: 0644
flag: yes
lvs:
  ha_pairs: { edge: { auth_pass: "{{ secret }}" }, inner: {} }
  sync_groups: { both: { pairs: [edge, inner] }, one: { pairs: [edge] } }
  nat_networks: { x: { "on": inner }, y: { "on": edge } }
  virtual_services:
    web: &web
      "on": edge # quoted
      real_servers: { a: { weight: 1 }, b: }
    shop: *web
`;
    expect(editInventory(text, 'vars', keep(['a']))).toBe(`# The cluster.
secret: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  6162
mode: 0644
flag: yes
lvs:
  ha_pairs: { edge: { auth_pass: "{{ secret }}" } }
  sync_groups: { one: { pairs: [ edge ] } }
  nat_networks: { y: { "on": edge } }
  virtual_services:
    web: &web
      "on": edge # quoted
      real_servers: { a: { weight: 1 } }
`);
  });

  it('a vaulted file, and one that is no mapping, stay', () => {
    for (const text of ['$ANSIBLE_VAULT;1.1;AES256\n6162\n', '- a\n', 'a: [\n', '']) expect(editInventory(text, 'vars', keep(['a']))).toBe(text);
  });
});

describe('another weight', () => {
  const weight = { weight: { service: 'web', host: 'b', weight: 7 } };
  it.each([
    ['where one is written', '{ a: , b: { port: 8080, weight: 1 } }', '{ a:, b: { port: 8080, weight: 7 } }'],
    ['where none is', '{ a: , b: { port: 8080 } }', '{ a:, b: { port: 8080, weight: 7 } }'],
    ['where nothing is', '{ a: , b: }', '{ a:, b: { weight: 7 } }'],
    ['of a host that does not serve', '{ a: }', '{ a: }'],
  ])('%s', (_, before, after) => {
    const text = (servers: string) => `lvs: { virtual_services: { web: { real_servers: ${servers} } } }\n`;
    expect(editInventory(text(before), 'vars', weight)).toBe(text(after));
  });
});
