import { createHash } from 'node:crypto';
import path from 'node:path';
import { LvsPlayError } from '../../core/errors.ts';
import type { Inventory } from '../../inventory/types.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import { labSpecFromInventory } from '../../lab/inventory/from-inventory.ts';
import type { LabSpec } from '../../lab/spec.ts';
import { labsRoot } from '../../lab/state/paths.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import { buildSite } from '../../plan/site.ts';
import type { InventoryEdit } from '../../rehearse/inventory/edit.ts';
import { writeEdited } from '../../rehearse/inventory/write.ts';
import { sampleGiven, sampleOf } from '../../rehearse/sample/sample.ts';
import { isWhole, type Sample } from '../../rehearse/sample/types.ts';
import { unitsOf } from '../../rehearse/sample/units.ts';
import { victimOf } from '../../rehearse/drills/plan.ts';
import { createTemplateEngine } from '../../template/engine.ts';
import { noTopology } from '../input/no-topology.ts';
import type { CommonOptions } from '../input/options.ts';
import { readInventory } from '../input/run-input.ts';

/** What is booted: an inventory, whole or sampled, and its model. */
export interface Replica {
  /** To be given to the lab: the operator's own files, or a sampled copy. */
  readonly inventories: readonly string[];
  readonly spec: LabSpec;
  readonly topology: Topology;
  readonly sample: Sample;
}

export interface ReplicaChoice {
  /** At most so many nodes. */
  readonly nodes: number;
  /** A host pattern: exactly these. */
  readonly hosts?: string | undefined;
  /** Nodes that are up already: exactly these. */
  readonly up?: readonly string[] | undefined;
}

/** Where the rehearsals of a lab keep their inventories and journals, each in a folder of its own; gone with the lab, unless that is kept. */
export function workFolder(lab: string): string {
  return path.join(path.dirname(labsRoot()), 'rehearsals', lab);
}

/** Reads the inventory, chooses what is booted, and writes a copy where that is not all. @throws LvsPlayError kind `input` or `usage` */
export async function replicaOf(options: CommonOptions, playbook: string, choice: ReplicaChoice, folder: string): Promise<Replica> {
  const { inventory, topology } = await modelOf(options, playbook);
  const spec = labSpecFromInventory(inventory);
  const hosts = spec.nodes.map(({ name }) => name);
  const sample = sampled(inventory, topology, hosts, choice);
  if (isWhole(sample)) return { inventories: options.inventories, spec, topology, sample };
  // Hosts that are not booted, as they are this machine, stay.
  const edit: InventoryEdit = { keep: { hosts: new Set([...inventory.hosts.keys()].filter((host) => sample.hosts.includes(host) || !hosts.includes(host))), services: new Set(sample.services.map(({ name }) => name)), pairs: new Set(sample.pairs) } };
  await writeEdited(folder, options.inventories, edit);
  const small = await modelOf({ ...options, inventories: [folder] }, playbook).catch((cause: unknown) => {
    throw impossible(hosts.length, cause);
  });
  if (!isSampled(small.topology, sample)) throw impossible(hosts.length);
  return { inventories: [folder], spec: labSpecFromInventory(small.inventory), topology: small.topology, sample };
}

function sampled(inventory: Inventory, topology: Topology, hosts: readonly string[], { nodes, hosts: pattern, up }: ReplicaChoice): Sample {
  if (up !== undefined) return hosts.every((host) => up.includes(host)) ? sampleOf(topology, hosts, hosts.length) : sampleGiven(topology, hosts, hosts.filter((host) => up.includes(host)));
  if (pattern === undefined) return sampleOf(topology, hosts, nodes);
  const { hosts: wanted, unmatched } = selectHosts(inventory, pattern);
  if (unmatched.length > 0) throw new LvsPlayError({ code: 'no-such-host', kind: 'usage', message: `--hosts: nothing is called ${unmatched.join(', ')}`, hint: 'lvs-play inventory --graph shows the hosts' });
  return sampleGiven(topology, hosts, wanted);
}

/** A sampled inventory is read again: where `lvs` is not written out as a mapping, nothing could be cut out of it. */
function isSampled(topology: Topology, { services, pairs }: Sample): boolean {
  const wanted = JSON.stringify([services.map(({ name, servers }) => [name, servers]), [...pairs]]);
  const found = JSON.stringify([[...topology.services.values()].map(({ name, realServers }) => [name, realServers.map(({ host }) => host)]), [...topology.pairs.keys()]]);
  return wanted === found;
}

function impossible(hosts: number, cause?: unknown): LvsPlayError {
  return new LvsPlayError({ code: 'sample-impossible', kind: 'input', message: 'the inventory cannot be sampled: what it says in lvs is not written out there, but made by a template, by -e or in a vaulted file', hint: `boot all of it: --nodes ${String(hosts)}`, cause });
}

/** A small change to be killed in its middle. */
export interface Change {
  readonly folder: string;
  readonly service: string;
  readonly host: string;
  readonly weight: number;
}

/** Writes the replica's inventory with one other weight; undefined: it cannot be changed there. */
export async function changedReplica(options: CommonOptions, playbook: string, { inventories, topology }: Replica, folder: string): Promise<Change | undefined> {
  for (const unit of unitsOf(topology)) {
    const host = victimOf(topology, unit);
    const service = unit.services.map((name) => topology.services.get(name)).find((one) => one?.realServers.some((server) => server.host === host) === true);
    const server = service?.realServers.find((one) => one.host === host);
    if (service === undefined || server === undefined) continue;
    const change = { service: service.name, host: server.host, weight: server.weight + 1 };
    await writeEdited(folder, inventories, { weight: change });
    const { topology: now } = await modelOf({ ...options, inventories: [folder] }, playbook);
    if (now.services.get(service.name)?.realServers.find((one) => one.host === host)?.weight === change.weight) return { folder, ...change };
  }
  return undefined;
}

async function modelOf(options: CommonOptions, playbook: string): Promise<{ inventory: Inventory; topology: Topology }> {
  const { inventory, extraVars } = await readInventory(options, playbook);
  const { topology } = buildSite(inventory, extraVars, createTemplateEngine());
  if (topology === undefined) throw noTopology();
  return { inventory, topology };
}

/** A name that two rehearsals of different inventories do not share. */
export function labName(inventories: readonly string[]): string {
  return `rehearse-${createHash('sha256').update(inventories.map((file) => path.resolve(file)).join('\0')).digest('hex').slice(0, 8)}`;
}
