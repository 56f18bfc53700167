import { LvsPlayError } from '../../core/errors.ts';
import { drain, drainedWords, type DrainOrder } from '../../drain/drain.ts';
import { restore } from '../../drain/restore.ts';
import { GUARD_RULES } from '../../impact/types.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import { enterLabIfNeeded } from '../../lab/enter.ts';
import { DRAIN_RULES } from '../../drain/preflight.ts';
import type { DrainWeight } from '../../lvs/drain/record.ts';
import type { Missing } from '../../observe/observation.ts';
import { namesOfMissing, unansweredWords } from '../../observe/words.ts';
import { EXIT, exitCodeOfHosts } from '../exit.ts';
import { interruptible } from '../interrupt.ts';
import { type CommonOptions, requireInventory, requireReason } from '../input/options.ts';
import { operator } from '../operator.ts';
import { printProgress, printResult } from '../output.ts';
import { openHands, type OpenHands } from './hands.ts';

/** Rules of drains and restores that --allow takes. */
export const ALLOWED_RULES: readonly string[] = [...new Set([...DRAIN_RULES, 'undeployed', 'not-ready', ...GUARD_RULES])];

export type DrainFlags = Pick<DrainOrder, 'until' | 'timeout' | 'onTimeout' | 'persistence'>;

/** `drain`, from the command line to the exit code. */
export async function drainHosts(patterns: readonly string[], options: CommonOptions, flags: DrainFlags): Promise<number> {
  return withHands(options, async ({ hands, opened, removedShare }) => {
    const hosts = realServers(patterns, opened.site);
    const result = await drain(hands, { ...flags, hosts, by: operator(), reason: options.reason ?? '', allow: options.allow, removedShare });
    const { missing, ...told } = result;
    if (options.json) printResult(`${JSON.stringify({ version: 1, ...told, unknown: namesOfMissing(missing) }, null, 2)}\n`);
    else printResult(`${drainedWords(result)}\n`);
    if (flags.until === null) printProgress(`give it back with: lvs-play restore ${hosts.join(' ')}\n`);
    return exitCodeOfHosts(needed(missing, options, opened)) ?? EXIT.ok;
  });
}

/** `restore`, from the command line to the exit code. */
export async function restoreHosts(patterns: readonly string[], options: CommonOptions, flags: { readonly ramp: readonly DrainWeight[]; readonly hold: number }): Promise<number> {
  return withHands(options, async ({ hands, opened }) => {
    const result = await restore(hands, { ...flags, hosts: realServers(patterns, opened.site), by: operator(), settle: 0, allow: options.allow });
    const { missing, ...told } = result;
    if (options.json) printResult(`${JSON.stringify({ version: 1, ...told, unknown: namesOfMissing(missing) }, null, 2)}\n`);
    else if (result.restored.length > 0) printResult(`${result.restored.join(', ')} ${result.restored.length === 1 ? 'has its' : 'have their'} whole weight again${missing.length === 0 ? '' : `; ${unansweredWords(missing)}`}\n`);
    return exitCodeOfHosts(needed(missing, options, opened)) ?? EXIT.ok;
  });
}

/** Directors that were allowed to be missing are not needed. */
function needed(missing: readonly Missing[], { allow }: CommonOptions, { site: { topology } }: OpenHands['opened']): readonly Missing[] {
  return allow.includes('director-unreachable') ? missing.filter(({ host }) => topology?.directors.has(host) !== true) : missing;
}

/** Opens hands for a command, inside the lab where the inventory is one's. @param more the maintenance that its runs are parts of; rules that --allow takes, where not those of drains */
export async function withHands(options: CommonOptions, work: (open: OpenHands) => Promise<number>, { partOf, rules = ALLOWED_RULES }: { readonly partOf?: string; readonly rules?: readonly string[] } = {}): Promise<number> {
  requireReason(options, rules);
  requireInventory(options);
  const inside = await enterLabIfNeeded(options.inventories);
  if (inside !== undefined) return inside;
  return interruptible(async (signal) => {
    const open = await openHands(options, signal, partOf);
    try {
      return await work(open);
    } finally {
      await open.close();
    }
  });
}

/** @throws LvsPlayError kind `usage` for a host that is no real server of a virtual service */
export function realServers(patterns: readonly string[], { inventory, topology }: OpenHands['opened']['site']): readonly string[] {
  const { hosts, unmatched } = selectHosts(inventory, patterns);
  const stranger = hosts.find((host) => topology?.realServers.has(host) !== true);
  if (hosts.length > 0 && unmatched.length === 0 && stranger === undefined) return hosts;
  const message = stranger === undefined ? `no host matches ${unmatched.length > 0 ? unmatched.join(' ') : patterns.join(' ')}` : `${stranger} is no real server of a virtual service`;
  const known = [...(topology?.realServers.keys() ?? [])];
  throw new LvsPlayError({ code: 'no-real-server', kind: 'usage', message, hint: `the real servers are ${known.slice(0, 8).join(', ')}${known.length > 8 ? ', ...' : ''}` });
}
