import { TUNNEL_DEVICES } from '../../../lvs/host/tunnels.ts';
import type { AddressSetup, HostSetup } from '../../host/setup.ts';
import type { Note } from '../../types.ts';

/**
 * The classic mistakes of a DR or TUN real server. @param vips addresses of DR and TUN services; undefined: not known, then every single
 * address on lo counts
 */
export function realServerBugs(setup: HostSetup, vips: ReadonlySet<string> | undefined): readonly Note[] {
  const about = setup.name === undefined ? {} : { host: setup.name };
  const isVip = (one: AddressSetup): boolean => (vips === undefined ? one.interface === 'lo' && !one.address.startsWith('127.') : vips.has(one.address)) && !one.address.includes(':');
  return setup.addresses.filter(isVip).flatMap((vip): Note[] => {
    const text = `VIP ${vip.address} on ${vip.interface}`;
    const at = { ...about, position: vip.position, text };
    return [
      ...(vip.prefix === 32 ? [] : [{ ...at, kind: 'bug', id: 'vip-prefix', reason: `/${String(vip.prefix)} on ${vip.interface} makes the host take the whole network for its own; lvs-play puts it on with /32` } as const]),
      ...(vip.interface === 'lo' || TUNNEL_DEVICES.some((name) => name === vip.interface) || /^(tunl|ip6tnl|gre|sit|fou)/.test(vip.interface)
        ? []
        : [{ ...at, kind: 'bug', id: 'vip-on-network-interface', reason: 'on a network interface it is answered on ARP whatever arp_ignore is; lvs-play puts it on lo' } as const]),
      ...(setup.silent.has(vip.address) ? [] : arp(setup, vip)).map((note) => ({ ...at, ...note })),
    ];
  });
}

function arp(setup: HostSetup, vip: AddressSetup): (Pick<Note, 'kind' | 'id' | 'reason'> & Partial<Pick<Note, 'position' | 'text'>>)[] {
  const set = setup.sysctls.filter(({ key, value }) => (key.endsWith('/arp_ignore') && Number(value) >= 1) || (key.endsWith('/arp_announce') && Number(value) >= 2));
  const [first] = set;
  if (first === undefined) return [{ kind: 'bug', id: 'arp-missing', reason: 'nothing stops this host from answering ARP for it, so that clients reach it past the director; lvs-play sets arp_ignore=1 and arp_announce=2 on all' }];
  const effective = (name: string): boolean => set.some(({ key }) => key.endsWith(`/${name}`) && !key.includes('/conf/lo/') && !key.includes('/conf/default/'));
  const found: (Pick<Note, 'kind' | 'id' | 'reason'> & Partial<Pick<Note, 'position' | 'text'>>)[] = [];
  if (!effective('arp_ignore') || !effective('arp_announce')) {
    found.push({
      kind: 'bug',
      id: 'arp-only-lo',
      position: first.position,
      text: set.map(({ key, value }) => `${key.replaceAll('/', '.')}=${value}`).join(', '),
      reason: 'on lo alone it has no effect: the kernel takes the higher of all and the interface that is asked, so this host still answers ARP for the VIP; lvs-play sets both on all',
    });
  }
  const last = Math.max(...set.map(({ order }) => order));
  if (vip.order < last) found.push({ kind: 'bug', id: 'vip-before-arp', reason: 'it is put on before the ARP rules are set: until then the host answers for it; lvs-play sets the rules first, at boot too' });
  return found;
}
