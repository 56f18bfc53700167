import { bare, parseIp } from '../../lvs/model/ip.ts';
import type { Read } from '../types.ts';
import type { HostSetup } from './setup.ts';

/** `arptables -A IN -d VIP -j DROP`: a real server's other way not to answer ARP for a VIP. */
export function readArptables(words: readonly string[], setup: HostSetup): Read {
  const after = (...names: string[]): string | undefined => {
    const at = words.findIndex((word) => names.includes(word));
    return at < 0 ? undefined : words[at + 1];
  };
  if (words.some((word) => ['-F', '--flush', '-X', '--delete-chain'].includes(word))) return { id: 'arptables-flush', bug: 'it also removes the rules of others; lvs-play needs none of arptables' };
  if (words.some((word) => ['-D', '--delete', '-L', '--list'].includes(word))) return { ignored: 'nothing is left of it' };
  const chain = after('-A', '--append', '-I', '--insert');
  const target = after('-j', '--jump');
  const destination = parseIp(bare(after('-d', '--destination', '--destination-ip', '--dst-ip') ?? ''))?.address;
  const source = parseIp(bare(after('-s', '--source', '--source-ip', '--src-ip') ?? ''))?.address;
  if (/^(IN|INPUT)$/.test(chain ?? '') && target === 'DROP' && destination !== undefined) {
    setup.silent.add(destination);
    return { ignored: `left out: lvs-play keeps the host from answering ARP for ${destination} by arp_ignore; remove the rule after the deploy` };
  }
  if (/^(OUT|OUTPUT)$/.test(chain ?? '') && source !== undefined && (target === 'mangle' || target === 'DROP')) return { ignored: `left out: lvs-play keeps the host from announcing ${source} by arp_announce; remove the rule after the deploy` };
  return { unread: 'of arptables only rules that keep a real server silent are read' };
}
