import { LvsPlayError } from '../../core/errors.ts';
import { suggest } from '../../core/text/suggest.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import type { Inventory } from '../../inventory/types.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import { CONTROLLER } from '../../plan/compile/compile.ts';
import { controllerVantage } from '../../verify/controller-vantage.ts';
import type { Vantage } from '../../verify/types.ts';
import { hostVantage } from '../../verify/vantage/host-vantage.ts';
import type { OpenSite } from '../input/open-site.ts';

/** The machine that lvs-play runs on. */
const HERE = 'controller';

/** Opens the places that are looked from. @throws LvsPlayError kind `usage` for a place that is none */
export async function openVantages(from: readonly string[], topology: Topology, { site, target }: OpenSite): Promise<Vantage[]> {
  return Promise.all(namesOf(from, site.inventory, topology).map(async (name) => (name === HERE ? controllerVantage(await target(CONTROLLER)) : hostVantage(name, await target(name)))));
}

/** Pure. @param from host patterns, and `controller`; none: `controller`. @throws LvsPlayError kind `usage` */
export function namesOf(from: readonly string[], inventory: Inventory, topology: Topology): string[] {
  if (from.length === 0) return [HERE];
  const names = from.flatMap((pattern) => {
    if (pattern === HERE) return [HERE];
    const { hosts, unmatched } = selectHosts(inventory, pattern);
    const [unknown] = unmatched;
    if (unknown === undefined && hosts.length > 0) return hosts;
    const near = suggest(unknown ?? pattern, [...inventory.hosts.keys(), ...inventory.groups.keys(), HERE]);
    throw usage(`--from: no host is called "${unknown ?? pattern}"`, near === undefined ? 'lvs-play inventory --graph shows the hosts; controller is this machine' : `did you mean ${near}?`);
  });
  const inside = names.find((name) => topology.directors.has(name) || topology.realServers.has(name));
  if (inside !== undefined) throw usage(`--from: ${inside} is part of the cluster: it would not see what a client sees`, 'choose hosts that are neither directors nor real servers');
  return [...new Set(names)];
}

function usage(message: string, hint: string): LvsPlayError {
  return new LvsPlayError({ code: 'bad-vantage', kind: 'usage', message, hint });
}
