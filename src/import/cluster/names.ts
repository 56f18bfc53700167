import type { HostSetup } from '../host/setup.ts';

/** Names of hosts by address, and new ones for addresses that have none. */
export class HostNames {
  readonly #byAddress = new Map<string, string>();
  readonly #addresses = new Map<string, string>();

  /** @param setups those with a name keep it */
  constructor(setups: readonly HostSetup[], known: ReadonlyMap<string, string> = new Map()) {
    for (const [name, address] of known) this.#add(name, address);
    for (const { name, ownAddress } of setups) if (name !== undefined && ownAddress !== undefined) this.#add(name, ownAddress);
  }

  /** The name of an address, made from `stem` and a number when it is new. */
  of(address: string, stem: string, taken: ReadonlySet<string>): string {
    const found = this.#byAddress.get(address);
    if (found !== undefined) return found;
    const name = this.free(stem, taken);
    this.#add(name, address);
    return name;
  }

  /** The first of `lvs1`, `lvs2`, ... that no host has. */
  free(stem: string, taken: ReadonlySet<string>): string {
    for (let number = 1; ; number++) {
      const name = `${stem}${String(number)}`;
      if (!this.#addresses.has(name) && !taken.has(name)) return name;
    }
  }

  /** Further addresses of a host that has a name. */
  also(name: string, address: string): void {
    if (!this.#byAddress.has(address)) this.#byAddress.set(address, name);
  }

  /** All that are known. */
  addressesOf(name: string): readonly string[] {
    return [...this.#byAddress].flatMap(([address, other]) => (other === name ? [address] : []));
  }

  nameOf(address: string): string | undefined {
    return this.#byAddress.get(address);
  }

  addressOf(name: string): string | undefined {
    return this.#addresses.get(name);
  }

  #add(name: string, address: string): void {
    this.#byAddress.set(address, name);
    this.#addresses.set(name, address);
  }
}

const SERVICE_NAMES: Readonly<Record<number, string>> = { 21: 'ftp', 22: 'ssh', 25: 'smtp', 53: 'dns', 80: 'web', 389: 'ldap', 443: 'https', 3306: 'mysql', 5060: 'sip', 5432: 'postgresql', 6379: 'redis' };

/** A name for a service that has none in its source, used by no other. */
export function serviceName({ protocol, port }: { readonly protocol: string; readonly port: number }, taken: ReadonlySet<string>): string {
  const plain = protocol === 'fwm' ? `mark-${String(port)}` : port === 0 ? 'all-ports' : (SERVICE_NAMES[port] ?? `${protocol}-${String(port)}`);
  let name = plain;
  for (let number = 2; taken.has(name); number++) name = `${plain}-${String(number)}`;
  return name;
}
