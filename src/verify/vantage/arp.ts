import { isIPv6 } from 'node:net';
import { LvsPlayError } from '../../core/errors.ts';
import { shellCommand } from '../../core/text/quote.ts';
import type { ShellReply, Target } from '../../transport/target.ts';
import type { ArpSeen } from '../types.ts';

/** Exit codes of the script for what cannot be seen from a place. */
const NO_ROUTE = 10;
const ROUTED = 11;
const OWN = 12;

/**
 * Asks who answers ARP for an address. arping (iputils, busybox; root only) hears all answers; without it the neighbour table
 * tells the first one. Three rounds of broadcasts: whoever else answers has the time to.
 */
function arpScript(vip: string): string {
  return [
    `route=$(${shellCommand(['ip', '-o', 'route', 'get', vip])} 2>/dev/null) || exit ${String(NO_ROUTE)}`,
    `case "$route" in local*) exit ${String(OWN)};; *" via "*) exit ${String(ROUTED)};; esac`,
    'set -- $route',
    'while [ $# -gt 1 ] && [ "$1" != dev ]; do shift; done',
    'dev=$2',
    'if command -v arping >/dev/null 2>&1; then',
    // 1: nobody answered, which is an answer too. Others: not allowed, or another arping with other options.
    `  arping -b -c 3 -w 4 -I "$dev" ${shellCommand([vip])} && exit 0`,
    '  [ $? -eq 1 ] && exit 0',
    'fi',
    'echo neighbour-table',
    `ip neigh flush to ${shellCommand([vip])} dev "$dev" >/dev/null 2>&1`,
    // Whether it answers the echo does not matter: ARP comes first.
    `${shellCommand(['ping', '-c', '1', '-W', '2', vip])} >/dev/null 2>&1`,
    `ip neigh show to ${shellCommand([vip])} dev "$dev"`,
    'exit 0',
  ].join('\n');
}

/** @throws LvsPlayError when the target cannot be asked */
export async function askArp(vip: string, name: string, target: Target): Promise<ArpSeen> {
  if (isIPv6(vip)) return { unseen: 'IPv6 has no ARP' };
  return parseArp(await askAsRootIfPossible(target, arpScript(vip)), vip, name);
}

/** arping needs root; where becoming root fails, the neighbour table still tells something. */
async function askAsRootIfPossible(target: Target, script: string): Promise<ShellReply> {
  try {
    return await target.request({ script, become: true, timeoutMs: 30_000 });
  } catch (error) {
    if (!(error instanceof LvsPlayError) || !error.code.startsWith('become')) throw error;
    return target.request({ script, timeoutMs: 30_000 });
  }
}

/** Pure: the script's reply in words. */
function parseArp(reply: ShellReply, vip: string, name: string): ArpSeen {
  if (reply.exitCode === NO_ROUTE) return { unseen: `no route to ${vip} from ${name}` };
  if (reply.exitCode === ROUTED) return { unseen: `${vip} is behind a router, seen from ${name}` };
  if (reply.exitCode === OWN) return { unseen: `${vip} is an address of ${name} itself` };
  if (reply.exitCode !== 0) return { unseen: `${name} cannot ask: ${reply.stderr.toString('utf8').trim().split('\n')[0] ?? ''}` };
  const [arping = '', neighbours] = reply.stdout.toString('utf8').split(/^neighbour-table$/m);
  const macs = (neighbours ?? arping).split('\n').flatMap((line) => (neighbours === undefined && !/reply/i.test(line) ? [] : (line.match(/\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b/gi) ?? [])));
  return { macs: [...new Set(macs.map((mac) => mac.toLowerCase()))], all: neighbours === undefined };
}
