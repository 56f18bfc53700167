import { randomBytes } from 'node:crypto';
import { LvsPlayError, messageOf } from '../../core/errors.ts';
import type { Lab } from '../../lab/lab.ts';
import { NOT_CARRIED, parsePresent, presentScript, putScript } from '../../rehearse/live/present.ts';
import { observeOne } from '../../observe/ask.ts';
import type { Missing } from '../../observe/observation.ts';
import { hostNames, namesOfMissing, unansweredWords } from '../../observe/words.ts';
import { openSite } from '../input/open-site.ts';
import type { CommonOptions } from '../input/options.ts';

/** What a deploy begins from, and the live hosts that gave no answer: their replicas stay bare. */
export interface Carried {
  readonly start: string;
  readonly missing: readonly Missing[];
}

/** Reads the present state of the live hosts, which are not changed, and puts it onto their replicas. */
export async function carryPresent(options: CommonOptions, lab: Lab, tell: (text: string) => void): Promise<Carried> {
  const opened = await openSite(options);
  const missing: Missing[] = [];
  const failed: string[] = [];
  const hosts = lab.spec.nodes.map(({ name }) => name);
  try {
    for (const host of hosts) {
      const nonce = randomBytes(8).toString('hex');
      const seen = await observeOne(host, opened.target, { script: presentScript(nonce), read: (output) => parsePresent(output, nonce) });
      if (seen.kind !== 'answered') {
        missing.push({ host, kind: seen.kind, error: seen.error });
        continue;
      }
      const present = seen.value;
      try {
        const { stdout } = await lab.exec(host, ['sh', '-c', putScript(present)], { input: present.files, timeoutMs: 300_000 });
        const missed = stdout.split('\n').filter((line) => line !== '');
        tell(`${host}: as the live host: ${[...present.packages, ...present.names].join(', ') || 'nothing of a cluster is there'}${missed.length === 0 ? '' : `; could not be put: ${missed.join(', ')}`}`);
      } catch (error) {
        if (!(error instanceof LvsPlayError)) throw error;
        failed.push(host);
        tell(`${host}: bare: ${messageOf(error)}`);
      }
    }
  } finally {
    await opened.close();
  }
  if (missing.length > 0) tell(`bare, as what the live hosts are like is unknown: ${unansweredWords(missing)}`);
  const bare = [...namesOfMissing(missing), ...failed];
  if (bare.length === hosts.length) return { start: 'bare nodes, as no live host answered', missing };
  return { start: `the present state of the live hosts${bare.length === 0 ? '' : `, but for ${hostNames(bare)}, which stay bare`} (${NOT_CARRIED})`, missing };
}
