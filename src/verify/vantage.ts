import { isIPv6 } from 'node:net';
import { shellCommand } from '../core/quote.ts';
import type { Target } from '../transport/target.ts';
import type { RequestSample } from './types.ts';

/** The place that verification looks from: the controller or an inventory host outside the cluster, through its shell. */
export class Vantage {
  readonly name: string;
  readonly #target: Target;

  constructor(name: string, target: Target) {
    this.name = name;
    this.#target = target;
  }

  /** Which MACs answer ARP for an address, lower case; or why that cannot be seen from here. */
  async arp(vip: string): Promise<{ readonly macs: readonly string[] } | { readonly unseen: string }> {
    if (isIPv6(vip)) return { unseen: 'IPv6 has no ARP' };
    const script = [
      `route=$(${shellCommand(['ip', '-o', 'route', 'get', vip])}) || exit 10`,
      'case "$route" in *" via "*) exit 11;; local*) exit 12;; esac',
      'command -v arping >/dev/null 2>&1 || exit 13',
      'set -- $route',
      'while [ $# -gt 1 ] && [ "$1" != dev ]; do shift; done',
      // Several rounds of broadcasts: whoever else answers has the time to.
      `arping -b -c 3 -w 4 -I "$2" ${shellCommand([vip])}`,
      'exit 0',
    ].join('\n');
    const reply = await this.#target.request({ script, become: true });
    const reasons: Readonly<Record<number, string>> = {
      10: `no route to ${vip} from ${this.name}`,
      11: `${vip} is behind a router, seen from ${this.name}`,
      12: `${vip} is an address of ${this.name} itself`,
      13: `arping (iputils) is not installed on ${this.name}`,
    };
    const unseen = reasons[reply.exitCode];
    if (unseen !== undefined) return { unseen };
    return { macs: [...new Set([...reply.stdout.toString('utf8').matchAll(/reply from \S+ \[([0-9A-Fa-f:]{17})\]/g)].map(([, mac = '']) => mac.toLowerCase()))] };
  }

  /** Sends requests one after the other, each over a connection of its own; or why it cannot. Seconds bound each of them. */
  async requests(url: string, count: number): Promise<{ readonly samples: readonly RequestSample[] } | { readonly unseen: string }> {
    const one = shellCommand(['curl', '-s', '-o', '/dev/null', '-m', '5', '-H', 'Connection: close', '-w', '%{http_code} %{size_download} %{num_connects}', url]);
    const script = ['command -v curl >/dev/null 2>&1 || exit 13', 'i=0', `while [ $i -lt ${String(count)} ]; do ${one}; echo " $?"; i=$((i + 1)); done`].join('\n');
    const reply = await this.#target.request({ script, timeoutMs: count * 6000 + 10_000 });
    if (reply.exitCode === 13) return { unseen: `curl is not installed on ${this.name}` };
    const samples = reply.stdout
      .toString('utf8')
      .split('\n')
      .flatMap((line): RequestSample[] => {
        const [status, bytes, connects, exitCode] = line.trim().split(/\s+/).map(Number);
        return exitCode === undefined ? [] : [{ status: status ?? 0, bytes: bytes ?? 0, connected: (connects ?? 0) > 0, exitCode }];
      });
    return { samples };
  }
}
