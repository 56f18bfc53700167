/** An address that an interface has. */
export interface InterfaceAddress {
  readonly interface: string;
  readonly address: string;
  /** An address without one (a tunnel's, with a peer) is a host's: 32 or 128. */
  readonly prefix: number;
}

/** The output of `ip -o addr show`, in the kernel's order. Pure. */
export function parseAddresses(output: string): readonly InterfaceAddress[] {
  return [...output.matchAll(/^\d+:\s+(\S+)\s+inet6?\s+([0-9a-fA-F:.]+)(?:\/(\d+))?/gm)].map(([, name = '', address = '', prefix]) => ({
    interface: name,
    address,
    prefix: prefix === undefined ? (address.includes(':') ? 128 : 32) : Number(prefix),
  }));
}
