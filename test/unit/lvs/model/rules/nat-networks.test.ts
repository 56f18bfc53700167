import { describe, expect, it } from 'vitest';
import { type BadExample, changed, EXAMPLE, expectProblem, inPair, problemsOf, topologyOf, withSection } from '../../support.ts';

const NAT = changed(EXAMPLE, 'mode: dr', 'mode: nat');
const network = (lines: string, text = NAT): string => withSection('nat_networks', `inside: { ${lines} }`, text);
/** One director in two networks, as in many guides. */
const SINGLE = changed(changed(NAT, 'on: edge', 'on: lvs3'), '192.168.0.38:80', '10.1.0.80:80');
/** A second pair that holds the inside gateway. */
const GATE = changed(NAT, 'virtual_services:', '  gate:\n    members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }\n    interface: eth1\n    virtual_router_id: 52\n    vips: [192.168.0.8]\nvirtual_services:');
const TOGETHER = withSection('sync_groups', 'both: { pairs: [edge, gate] }', GATE);

describe('NAT networks', () => {
  it.each<BadExample>([
    ['missing-key', withSection('nat_networks', '§inside: { on: edge, network: 192.168.0.0/24 }', NAT), /gateway/],
    ['bad-network', network('on: edge, network: §192.168.0.0, gateway: 192.168.0.38'), /prefix length/],
    ['gateway-outside', network('on: edge, network: 192.168.0.0/24, gateway: §192.168.1.38'), /inside address/],
    ['gateway-outside', network('on: edge, network: 192.168.0.0/24, gateway: §"2001:db8::1"'), /inside address/],
    ['unknown-director', network('on: §egde, network: 192.168.0.0/24, gateway: 192.168.0.38'), /did you mean edge\?/],
    ['gateway-does-not-float', network('on: edge, network: 192.168.0.0/24, gateway: §192.168.0.48'), /excluded_vips of edge/],
    ['gateway-does-not-float', network('on: edge, network: 192.168.0.0/24, gateway: §192.168.0.8', GATE), /sync_groups/],
    ['gateway-is-host', network('on: lvs3, network: 192.168.0.0/24, gateway: §192.168.0.18', SINGLE), /lvs3 has in this network/],
    ['gateway-of-pair', network('on: lvs3, network: 192.168.0.0/24, gateway: §192.168.0.38', SINGLE), /on: edge/],
    ['network-twice', withSection('nat_networks', 'inside: { on: edge, network: 192.168.0.0/24, gateway: 192.168.0.38 }\nwide: { on: edge, network: §192.168.0.9/16, gateway: 192.168.0.38 }', NAT), /one default route/],
    ['bad-name', withSection('nat_networks', '§"in {": { on: edge, network: 192.168.0.0/24, gateway: 192.168.0.38 }', NAT), /letters/],
    ['gateway-elsewhere', changed(network('on: lvs3, network: 192.168.0.16/29, gateway: 192.168.0.17'), 'rs1: {', '§rs1: {'), /not translated back/],
    ['gateway-moves-apart', changed(network('on: gate, network: 192.168.0.16/29, gateway: 192.168.0.17', GATE.replace('vips: [192.168.0.8]', 'vips: [192.168.0.8, 192.168.0.17]')), 'rs1: {', '§rs1: {'), /sync_groups/],
    ['gateway-moves-apart', changed(network('on: edge, network: 192.168.0.16/29, gateway: 192.168.0.17', changed(changed(inPair('excluded_vips: [192.168.0.17]', NAT), 'on: edge', 'on: lvs1'), '192.168.0.38:80', '192.168.0.80:80')), 'rs1: {', '§rs1: {'), /service on edge/],
  ])('%s %#', (...example) => {
    expectProblem(example);
  });

  it.each([
    ['the gateway of the pair itself', network('on: edge, network: 192.168.0.0/24, gateway: 192.168.0.38')],
    ['an excluded address', network('on: edge, network: 192.168.0.0/24, gateway: 192.168.0.8', inPair('excluded_vips: [{ address: 192.168.0.8/24, interface: eth1 }]', NAT))],
    ['the gateway of a pair that moves along', network('on: edge, network: 192.168.0.0/24, gateway: 192.168.0.8', TOGETHER)],
    ['the network on the pair that moves along', network('on: gate, network: 192.168.0.0/24, gateway: 192.168.0.8', TOGETHER)],
    ['one director', network('on: lvs3, network: 192.168.0.0/24, gateway: 192.168.0.8', SINGLE)],
  ])('takes %s, which NAT real servers in it get as default route', (_what, text) => {
    expect(problemsOf(text).map((error) => error.message)).toEqual([]);
    const topology = topologyOf(text);
    const [inside] = topology.natNetworks.values();
    expect(inside).toMatchObject({ network: '192.168.0.0/24', masquerade: true });
    expect([...topology.realServers.values()].map(({ gateway }) => gateway)).toEqual([inside?.gateway, inside?.gateway]);
  });

  it('leaves the default route of DR real servers alone', () => {
    const topology = topologyOf(network('on: edge, network: 192.168.0.0/24, gateway: 192.168.0.38', EXAMPLE));
    expect([...topology.realServers.values()].map(({ gateway }) => gateway)).toEqual([undefined, undefined]);
  });
});
