import { throwCollected } from '../../core/errors.ts';
import { MANAGED } from '../../core/managed.ts';
import { withFlags } from '../drain/flags.ts';
import { type DrainMethod, drainMethod } from '../drain/method.ts';
import type { Topology } from '../model/topology.ts';
import { refusals } from './features.ts';
import { linesOf } from './render/block.ts';
import { globalLines } from './render/globals.ts';
import { trackerBlocks } from './render/trackers.ts';
import { usedBy } from './render/used.ts';
import { virtualServerBlock } from './render/virtual-server.ts';
import { instanceBlock, syncGroupBlock } from './render/vrrp.ts';
import type { KeepalivedVersion } from './version.ts';

/**
 * The keepalived.conf of one director: its VRRP instances and its virtual services. The same input gives the same text.
 * @param director inventory name; it need not have any pair or service
 * @param version of the keepalived that will read it; decides which of several keywords is written
 * @param method how it drains; default: what the version can do
 * @param unwatched real servers whose drain flag is not looked at
 * @throws LvsPlayError `keepalived-too-old` when that version cannot do what the topology asks; `keepalived-unwritable` for a string that the file cannot hold
 */
export function renderKeepalived(whole: Topology, director: string, version: KeepalivedVersion, method: DrainMethod | undefined = drainMethod(whole.drain, version), unwatched: ReadonlySet<string> = new Set()): string {
  const topology = method === 'flag' ? withFlags(whole, unwatched) : whole;
  const used = usedBy(topology, director);
  throwCollected(refusals(topology, director, used, version));
  const blocks = [
    { head: 'global_defs', body: globalLines(director, used, topology.ipvs, topology.scriptUser, version) },
    ...trackerBlocks(topology, used, version),
    ...used.syncGroups.flatMap((group) => syncGroupBlock(group, director, topology)),
    ...used.pairs.flatMap((pair) => instanceBlock(pair, director, topology)),
    ...used.services.flatMap((service) => virtualServerBlock(service, topology, version)),
  ];
  return `! Configuration File for keepalived\n! ${MANAGED}\n\n${blocks.map((block) => linesOf([block]).join('\n')).join('\n\n')}\n`;
}
