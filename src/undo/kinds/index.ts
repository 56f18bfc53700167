import { ADDRESS_LIBRARY, addressKind } from './network/addresses.ts';
import { FIREWALL_LIBRARY, firewallKind } from './network/firewall.ts';
import { IPVS_LIBRARY, ipvsKind } from './network/ipvs.ts';
import { ROUTE_LIBRARY, routeKind } from './network/routes.ts';
import { TUNNEL_LIBRARY, tunnelKind } from './network/tunnels.ts';
import { MODULE_LIBRARY, moduleKind } from './system/modules.ts';
import { PACKAGE_LIBRARY, packageKind } from './system/packages.ts';
import { SYSCTL_LIBRARY, sysctlKind } from './system/sysctls.ts';
import { UNIT_LIBRARY, unitKind } from './system/units.ts';
import type { KindName, UndoKind } from './contract.ts';
import { fileKind, parentKind, treeKind } from './files.ts';

/** What each kind's fragments call. */
const LIBRARIES: Partial<Record<KindName, string>> = {
  address: ADDRESS_LIBRARY,
  // Which addresses float is asked for routes as well.
  route: `${ADDRESS_LIBRARY}\n\n${ROUTE_LIBRARY}`,
  firewall: FIREWALL_LIBRARY,
  ipvs: IPVS_LIBRARY,
  tunnel: TUNNEL_LIBRARY,
  module: MODULE_LIBRARY,
  package: PACKAGE_LIBRARY,
  sysctl: SYSCTL_LIBRARY,
  unit: UNIT_LIBRARY,
};

/** Every kind, in the order in which each is looked at and, within a phase, brought back. @param unitFiles see `unitKind` */
export function undoKinds(unitFiles: ReadonlyMap<string, readonly number[]>): readonly UndoKind[] {
  return [packageKind, unitKind(unitFiles), treeKind, fileKind, parentKind, moduleKind, sysctlKind, tunnelKind, addressKind, routeKind, firewallKind, ipvsKind];
}

/** Functions of sh that the kinds need, each once. */
export function librariesOf(kinds: readonly KindName[]): string[] {
  const address = kinds.includes('route') ? kinds.filter((kind) => kind !== 'address') : kinds;
  return address.flatMap((kind) => LIBRARIES[kind] ?? []);
}
