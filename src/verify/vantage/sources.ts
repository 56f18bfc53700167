import { isIP } from 'node:net';
import { shellCommand } from '../../core/text/quote.ts';
import type { Target } from '../../transport/target.ts';

/** Asks a host for its own address towards each of these, in one request. An address that is its own, and one without a route, is left out. @throws LvsPlayError when the target cannot be asked */
export async function askSources(addresses: readonly string[], target: Target): Promise<ReadonlyMap<string, string>> {
  const distinct = [...new Set(addresses)];
  if (distinct.length === 0) return new Map();
  const reply = await target.request({ script: [...distinct.map((address) => `echo "$(${shellCommand(['ip', '-o', 'route', 'get', address])} 2>/dev/null)"`), 'exit 0'].join('\n') });
  return parseSources(distinct, reply.stdout.toString('utf8'));
}

/** A line each. Pure. */
export function parseSources(addresses: readonly string[], output: string): ReadonlyMap<string, string> {
  const lines = output.split('\n');
  return new Map(
    addresses.flatMap((address, index): [string, string][] => {
      const source = / src (\S+)/.exec(lines[index] ?? '')?.[1];
      // It goes on to other hosts' shells: nothing but an address does.
      return source === undefined || isIP(source) === 0 || source === address ? [] : [[address, source]];
    }),
  );
}
