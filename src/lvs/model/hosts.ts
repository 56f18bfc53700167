import type { DataPath } from '../../core/located.ts';
import { suggest } from '../../core/text/suggest.ts';
import { parseIp } from './ip.ts';
import { didYouMean, type Problems } from './problems.ts';

/** A host of the inventory as the model sees it. `address`: `lvs_address`, else `ansible_host`, else the name; not necessarily an IP address. */
export interface HostAddress {
  readonly host: string;
  readonly address: string | undefined;
}

/** That a name is a host of the inventory whose address is known as an IP address; the problem points at the key. */
export function checkHost(
  host: string,
  hosts: ReadonlyMap<string, HostAddress>,
  path: DataPath,
  role: string,
  problems: Problems,
  of: 'key' | 'value' = 'key',
): string | undefined {
  const known = hosts.get(host);
  if (known === undefined) {
    const hint = `${didYouMean(suggest(host, hosts.keys()))}add it to the inventory's hosts, or correct the name`;
    problems.add({ code: 'unknown-host', message: `${role} ${host} is not a host of the inventory`, path, of, hint });
    return undefined;
  }
  const ip = parseIp(known.address ?? '');
  if (ip === undefined) {
    problems.add({
      code: 'host-address',
      message: `the address of ${role} ${host} is not known: ${known.address ?? 'nothing'} is no IP address`,
      path,
      of,
      hint: `set lvs_address of ${host} to the IP address it has in the cluster (ansible_host only serves when it is one)`,
    });
  }
  return ip?.address;
}
