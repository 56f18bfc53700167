import type { JsonObject } from '../../core/json.ts';
import type { Inventory } from '../../inventory/types.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import { buildSite } from '../../plan/site.ts';
import { createTemplateEngine } from '../../template/engine.ts';
import { noTopology } from './no-topology.ts';
import { type OpenSite, reachSite } from './open-site.ts';
import type { CommonOptions } from './options.ts';
import { type Connection, readConnection, readInventory } from './run-input.ts';

/** A site with virtual services in hand, for commands that are about them. */
export interface OpenCluster {
  readonly topology: Topology;
  readonly inventory: Inventory;
  readonly extraVars: JsonObject;
  /** The way to the hosts, for runs that the command starts. */
  readonly connection: Connection;
  readonly opened: OpenSite;
}

/** Passwords are asked for once the inventory is known to be sound. @throws LvsPlayError kind `input` for a wrong inventory or one without virtual services; no host is connected yet */
export async function openCluster(options: CommonOptions): Promise<OpenCluster> {
  const { inventory, extraVars } = await readInventory(options);
  const engine = createTemplateEngine();
  const site = buildSite(inventory, extraVars, engine);
  const { topology } = site;
  if (topology === undefined) throw noTopology();
  const connection = await readConnection(options);
  return { topology, inventory, extraVars, connection, opened: await reachSite(site, extraVars, engine, options, connection) };
}
