import { InputErrors, LvsPlayError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { Located } from '../core/located.ts';
import type { Group, Inventory } from '../inventory/types.ts';
import { plainVars } from '../inventory/types.ts';
import { buildTopology, type HostAddress } from '../lvs/model/build.ts';
import { lvsGroups } from '../lvs/model/groups.ts';
import type { Topology } from '../lvs/model/topology.ts';
import type { TemplateEngine } from '../template/types.ts';

/** The model a plan is made from: the inventory, widened by the groups that the topology implies, and the topology. */
export interface Site {
  readonly inventory: Inventory;
  /** Undefined when no host has the variable `lvs`. */
  readonly topology: Topology | undefined;
  /** The variable `lvs` that the topology was made from, with the places it was written at. */
  readonly lvs: Located | undefined;
}

/**
 * Checks the inventory's `lvs` variable and adds its groups (`lvs_directors`, `lvs_real_servers`, `lvs_pair_NAME`).
 * @throws LvsPlayError kind `input`, with the place in the inventory
 */
export function buildSite(inventory: Inventory, extraVars: JsonObject, engine: TemplateEngine): Site {
  const owner = [...inventory.hosts.values()].find((host) => host.vars.has('lvs'));
  const extra: Located | undefined = extraVars['lvs'] === undefined ? undefined : { value: extraVars['lvs'], locate: () => undefined };
  const written = extra ?? owner?.vars.get('lvs');
  if (written === undefined) return { inventory, topology: undefined, lvs: undefined };
  const scope = { ...(owner === undefined ? {} : plainVars(owner.vars)), ...extraVars };
  const value = engine.renderValue(written.value, { vars: scope }, (path) => written.locate(path));
  const lvs: Located = { value, locate: (path, of) => written.locate(path, of) };
  const topology = buildTopology(lvs, hostAddresses(inventory, extraVars, engine));
  return { inventory: withGroups(inventory, lvsGroups(topology)), topology, lvs };
}

function hostAddresses(inventory: Inventory, extraVars: JsonObject, engine: TemplateEngine): ReadonlyMap<string, HostAddress> {
  const addresses = new Map<string, HostAddress>();
  for (const host of inventory.hosts.values()) {
    const vars: JsonObject = { inventory_hostname: host.name, ...plainVars(host.vars), ...extraVars };
    const name = ['lvs_address', 'ansible_host'].find((candidate) => candidate in vars);
    const written = name === undefined ? undefined : host.vars.get(name);
    const address = name === undefined ? host.name : engine.renderValue(vars[name] ?? null, { vars }, (path) => written?.locate(path));
    if (typeof address !== 'string') {
      throw new LvsPlayError({
        code: 'host-address',
        kind: 'input',
        message: `${name ?? 'ansible_host'} of ${host.name} is not a string`,
        position: written?.locate([]),
        hint: 'write an IP address or a host name',
      });
    }
    addresses.set(host.name, { host: host.name, address });
  }
  return addresses;
}

function withGroups(inventory: Inventory, added: ReadonlyMap<string, readonly string[]>): Inventory {
  const groups = new Map<string, Group>(inventory.groups);
  for (const [name, hosts] of added) {
    if (groups.has(name)) {
      throw new InputErrors([
        new LvsPlayError({
          code: 'reserved-group',
          kind: 'input',
          message: `group ${name} is made from the lvs variable and cannot be defined in the inventory`,
          hint: 'rename the group: names that begin with lvs_ are made by lvs-play',
        }),
      ]);
    }
    groups.set(name, { name, children: [], hosts: [...hosts], vars: new Map() });
  }
  return { ...inventory, groups };
}
