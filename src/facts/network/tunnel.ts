import { mangleListing } from '../../lvs/host/tunnels.ts';
import { defineFact } from '../contract.ts';

/**
 * Key: a part of a tunnel as lvs/host/tunnels.ts names it: `fou 4 6080`, `link lvs_gre`, `mss 192.168.0.38 1440`. Value: whether it is there. Ports of the kernel's
 * foo-over-UDP, links, and rules of the mangle table that carry our comment.
 */
export const tunnelFact = defineFact<boolean>({
  name: 'tunnel',
  summary: 'what takes packets out of the tunnels of TUN real servers',
  script: (keys) => {
    const mss = keys.filter((key) => key.startsWith('mss '));
    return [
      ...(keys.some((key) => key.startsWith('fou ')) ? ["ip fou show 2>/dev/null"] : []),
      ...(keys.some((key) => key.startsWith('link ')) ? ['for link in /sys/class/net/*; do echo "link ${link##*/}"; done'] : []),
      // Where the program is missing, so is the rule.
      ...(mss.some((key) => !key.includes(':')) ? [mangleListing('4')] : []),
      ...(mss.some((key) => key.includes(':')) ? [mangleListing('6')] : []),
      ':',
    ].join('\n');
  },
  parse: (output, keys) => {
    const found = new Set(output.toString('utf8').split('\n').flatMap(partOf));
    return new Map(keys.map((key) => [key, found.has(key)]));
  },
});

/** The key that a line of the answer speaks of. */
function partOf(line: string): string[] {
  const fou = /^port (\d+) gue( -6)?\s*$/.exec(line);
  if (fou !== null) return [`fou ${fou[2] === undefined ? '4' : '6'} ${String(fou[1])}`];
  if (/^link \S+$/.test(line)) return [line];
  const rule = /^-A OUTPUT -s ([0-9a-f.:]+)\/(?:32|128) -p tcp -m tcp --tcp-flags SYN,RST SYN -m comment --comment "?lvs-play"? -j TCPMSS --set-mss (\d+)\s*$/.exec(line);
  return rule === null ? [] : [`mss ${String(rule[1])} ${String(rule[2])}`];
}
