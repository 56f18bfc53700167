import { describe, expect, it } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../src/core/errors.ts';
import type { Json } from '../../../src/core/json.ts';
import type { Inventory } from '../../../src/inventory/types.ts';
import { labSpecFromInventory } from '../../../src/lab/inventory/from-inventory.ts';

function inventory(hosts: Record<string, Record<string, Json>>): Inventory {
  const entries = Object.entries(hosts).map(([name, vars]) => {
    const located = Object.entries(vars).map(([variable, value], line) => [variable, { value, locate: () => ({ file: 'hosts.yml', line: line + 1, column: 3 }) }] as const);
    return [name, { name, groups: ['all'], vars: new Map(located) }] as const;
  });
  return { source: 'hosts.yml', hosts: new Map(entries), groups: new Map() };
}

function errorsOf(hosts: Record<string, Record<string, Json>>): readonly LvsPlayError[] {
  try {
    labSpecFromInventory(inventory(hosts));
  } catch (error) {
    if (error instanceof InputErrors) return error.errors;
    if (error instanceof LvsPlayError) return [error];
    throw error;
  }
  return [];
}

const LVS = { ha_pairs: { edge: { interface: 'ens33', members: { lvs1: {}, lvs2: {} }, vips: ['192.168.0.254'] } } };

describe('labSpecFromInventory', () => {
  it('gives every host its address and the control side a free one', () => {
    const spec = labSpecFromInventory(inventory({ lvs1: { ansible_host: '192.168.0.48' }, rs1: { ansible_host: '192.168.0.18' } }));
    expect(spec).toEqual({
      networks: [{ name: 'br0', control: [{ address: '192.168.0.254', prefix: 24 }] }],
      nodes: [
        { name: 'lvs1', address: '192.168.0.48', interfaces: [{ name: 'eth0', network: 'br0', addresses: [{ address: '192.168.0.48', prefix: 24 }] }], gateway: undefined, memory: 160 },
        { name: 'rs1', address: '192.168.0.18', interfaces: [{ name: 'eth0', network: 'br0', addresses: [{ address: '192.168.0.18', prefix: 24 }] }], gateway: undefined, memory: 160 },
      ],
    });
  });

  it('names the interface as the HA pair does, and leaves the VIPs alone', () => {
    const spec = labSpecFromInventory(inventory({ lvs1: { ansible_host: '192.168.0.48', lvs: LVS }, rs1: { ansible_host: '192.168.0.18', lvs: LVS } }));
    expect(spec.nodes.map((node) => node.interfaces[0]?.name)).toEqual(['ens33', 'eth0']);
    expect(spec.networks[0]?.control).toEqual([{ address: '192.168.0.253', prefix: 24 }]);
  });

  it('plugs further interfaces into segments of their own, joined where an interface has two networks', () => {
    const spec = labSpecFromInventory(
      inventory({
        lvs1: { ansible_host: '192.168.0.8', lab_interfaces: { eth1: ['10.9.0.1/16', 'fd00:9::1/64'] } },
        rs1: { ansible_host: '10.9.0.11', lab_networks: ['10.9.0.0/16'], lab_gateway: '10.9.0.1', lab_memory: 128 },
        rs2: { ansible_host: 'fd00:9::2' },
      }),
    );
    expect(spec.networks).toEqual([
      { name: 'br0', control: [{ address: '192.168.0.254', prefix: 24 }] },
      { name: 'br1', control: [{ address: '10.9.255.254', prefix: 16 }, { address: 'fd00:9::fffe', prefix: 64 }] },
    ]);
    expect(spec.nodes.map((node) => node.interfaces.map((card) => `${card.name}@${card.network}`))).toEqual([['eth0@br0', 'eth1@br1'], ['eth0@br1'], ['eth0@br1']]);
    expect(spec.nodes[1]).toMatchObject({ gateway: '10.9.0.1', memory: 128 });
  });

  it('lets lab_interfaces hold the main address, and lab_control be chosen', () => {
    const spec = labSpecFromInventory(inventory({ rs1: { ansible_host: '10.0.0.5', lab_interfaces: { ens3: '10.0.0.5/28' }, lab_control: '10.0.0.9' } }));
    expect(spec.nodes[0]?.interfaces).toEqual([{ name: 'ens3', network: 'br0', addresses: [{ address: '10.0.0.5', prefix: 28 }] }]);
    expect(spec.networks[0]?.control).toEqual([{ address: '10.0.0.9', prefix: 28 }]);
  });

  it('takes an address as name, and leaves out what is not reached by ssh', () => {
    const spec = labSpecFromInventory(inventory({ '10.0.0.5': {}, here: { ansible_connection: 'local' } }));
    expect(spec.nodes.map((node) => node.address)).toEqual(['10.0.0.5']);
  });

  it.each<[string, Record<string, Record<string, Json>>, RegExp]>([
    ['no address', { rs1: {} }, /host rs1 has no ansible_host/],
    ['a name', { rs1: { ansible_host: 'rs1.example.com' } }, /'rs1.example.com' of rs1 is no IP address/],
    ['a template', { rs1: { ansible_host: '{{ ip }}' } }, /is no IP address/],
    ['loopback', { rs1: { ansible_host: '127.0.0.1' } }, /is this machine/],
    ['one address twice', { a: { ansible_host: '10.0.0.1' }, b: { ansible_host: '10.0.0.1' } }, /b has the address 10.0.0.1 of a/],
    ['a full network', { a: { ansible_host: '10.0.0.1', lab_networks: ['10.0.0.0/30'] }, b: { ansible_host: '10.0.0.2', lab_networks: ['10.0.0.0/30'] } }, /no address is free in 10.0.0.0\/30/],
    ['a control address in use', { a: { ansible_host: '10.0.0.1', lab_control: '10.0.0.1' } }, /lab_control 10.0.0.1 is in use/],
    ['a bad interface', { a: { ansible_host: '10.0.0.1', lab_interfaces: { 'eth1;': '10.1.0.1/24' } } }, /'eth1;' is no name/],
    ['a bad interface address', { a: { ansible_host: '10.0.0.1', lab_interfaces: { eth1: 'x' } } }, /"x" in lab_interfaces is no IP address/],
    ['a list of interfaces', { a: { ansible_host: '10.0.0.1', lab_interfaces: ['eth1'] } }, /must map interface names/],
    ['another main address', { a: { ansible_host: '10.0.0.1', lab_interfaces: { eth0: '10.0.0.2/24' } } }, /gives eth0 of a other addresses/],
    ['memory', { a: { ansible_host: '10.0.0.1', lab_memory: 'much' } }, /lab_memory must be a whole number/],
    ['a name that is no host name', { 'rs_1': { ansible_host: '10.0.0.1' } }, /cannot be the name/],
    ['nothing', {}, /has no hosts/],
    ['only local hosts', { here: { ansible_connection: 'local' } }, /no host of the inventory is reached by ssh/],
  ])('refuses %s', (_, hosts, message) => {
    const errors = errorsOf(hosts);
    expect(errors.map((error) => error.message).join('\n')).toMatch(message);
    expect(errors.every((error) => error.kind === 'input' && error.code === 'lab-inventory')).toBe(true);
  });

  it('says where, and all at once', () => {
    const errors = errorsOf({ a: { ansible_host: 'x' }, b: { ansible_host: 'y' } });
    expect(errors.map((error) => [error.host, error.position?.file])).toEqual([['a', 'hosts.yml'], ['b', 'hosts.yml']]);
  });
});
