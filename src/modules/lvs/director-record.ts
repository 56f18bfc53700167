import { contentFact } from '../../facts/files/content.ts';
import type { FactReader } from '../../facts/contract.ts';
import { DIRECTOR_SCRIPT, keepalivedKeys, recordedServices } from '../../lvs/host/director-script.ts';
import { serviceKey } from '../../lvs/ipvs/types.ts';
import type { Topology } from '../../lvs/model/topology.ts';

/** Text of the director script that is on the host: the record of what is ours there. '' when there is none. */
export function directorRecord(facts: FactReader): string {
  return facts.get(contentFact, DIRECTOR_SCRIPT).text ?? '';
}

/** Keys of the services that this script fills, but for those that keepalived takes over as they are. */
export function ownedServices(topology: Topology, host: string, facts: FactReader): ReadonlySet<string> {
  const others = keepalivedKeys(topology, host);
  return new Set(recordedServices(directorRecord(facts)).services.map(serviceKey).filter((key) => !others.has(key)));
}
