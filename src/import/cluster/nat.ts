import type { JsonObject } from '../../core/json.ts';
import { parsePrefixed } from '../../lvs/model/ip.ts';
import { isIn } from '../../lvs/model/nat-networks.ts';
import type { HostSetup } from '../host/setup.ts';
import { objectAt } from './json.ts';
import type { Merging } from './services.ts';

/** Networks behind NAT directors: those that are masqueraded and hold real servers. The gateway is the director's address in them. */
export function natNetworks(directors: readonly { readonly setup: HostSetup; readonly name: string }[], { services, names, notes }: Merging): JsonObject {
  const networks: Record<string, JsonObject> = {};
  const nat = [...services.values()].filter((service) => service['mode'] === 'nat');
  for (const { setup, name } of directors) {
    for (const { network, position } of setup.masquerades) {
      const parsed = parsePrefixed(network);
      if (parsed === undefined || Object.values(networks).some((one) => one['network'] === network)) continue;
      const own = nat.find((service) => service['on'] === name && Object.keys(objectAt(service, 'real_servers')).some((host) => isIn(names.addressOf(host) ?? '0.0.0.0', network)));
      const gateway = [setup.ownAddress, ...setup.addresses.map(({ address }) => address), ...names.addressesOf(name)].find((address) => address !== undefined && isIn(address, network));
      if (own === undefined) {
        notes.push({ kind: 'not-understood', position, host: name, text: `masquerading of ${network}`, reason: 'left out: no real server of a NAT service is in that network' });
      } else if (gateway === undefined) {
        notes.push({
          kind: 'missing',
          position,
          host: name,
          text: `masquerading of ${network}`,
          reason: `left out, as the inside address of ${name} is not told: import with ${name}@ADDRESS=FILE, or add nat_networks: { inside: { on: ${name}, network: ${network}, gateway: ADDRESS } }`,
        });
      } else networks[Object.keys(networks).length === 0 ? 'inside' : `inside-${String(Object.keys(networks).length + 1)}`] = { on: name, network, gateway };
    }
  }
  return networks;
}
