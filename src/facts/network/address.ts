import { parseAddresses } from '../../lvs/host/addresses.ts';
import { defineFact } from '../contract.ts';

/** An interface and its addresses. */
export type InterfaceState = {
  readonly exists: boolean;
  /** With prefix length, e.g. `192.168.0.38/32`, in the kernel's order. */
  readonly addresses: readonly string[];
};

/** Key: an interface's name. One `ip` for all; that the interface exists is seen in /sys. */
export const addressFact = defineFact<InterfaceState>({
  name: 'address',
  summary: 'interfaces and their addresses',
  script: () => 'ip -o addr show || exit 1\nfor link in /sys/class/net/*; do echo "link ${link##*/}"; done',
  parse: (output, keys) => {
    const text = output.toString('utf8');
    const links = new Set([...text.matchAll(/^link (\S+)$/gm)].map(([, name]) => name));
    const addresses = parseAddresses(text);
    return new Map(
      keys.map((key) => [
        key,
        { exists: links.has(key), addresses: addresses.filter((one) => one.interface === key).map(({ address, prefix }) => `${address}/${String(prefix)}`) },
      ]),
    );
  },
  aspects: ({ exists, addresses }, key) => ({ [`interface ${key}`]: exists ? 'there' : 'missing', ...Object.fromEntries(addresses.map((address) => [`${key} ${address}`, 'held'])) }),
});
