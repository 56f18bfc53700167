import { randomBytes } from 'node:crypto';
import { LvsPlayError, messageOf } from '../../core/errors.ts';
import type { Lab } from '../../lab/lab.ts';
import { NOT_CARRIED, parsePresent, presentScript, putScript } from '../../rehearse/live/present.ts';
import { askHost } from '../ask-host.ts';
import { openSite } from '../input/open-site.ts';
import type { CommonOptions } from '../input/options.ts';

/**
 * Reads the present state of the live hosts, which are not changed, and puts it onto their replicas. A host that cannot be reached stays bare.
 * @returns what the deploy begins from, in words
 */
export async function carryPresent(options: CommonOptions, lab: Lab, tell: (text: string) => void): Promise<string> {
  const opened = await openSite(options);
  const bare: string[] = [];
  const hosts = lab.spec.nodes.map(({ name }) => name);
  try {
    for (const host of hosts) {
      const nonce = randomBytes(8).toString('hex');
      try {
        const present = await askHost(host, opened.target, { script: presentScript(nonce), read: (output) => parsePresent(output, nonce) });
        const { stdout } = await lab.exec(host, ['sh', '-c', putScript(present)], { input: present.files, timeoutMs: 300_000 });
        const missed = stdout.split('\n').filter((line) => line !== '');
        tell(`${host}: as the live host: ${[...present.packages, ...present.names].join(', ') || 'nothing of a cluster is there'}${missed.length === 0 ? '' : `; could not be put: ${missed.join(', ')}`}`);
      } catch (error) {
        if (!(error instanceof LvsPlayError)) throw error;
        bare.push(host);
        tell(`${host}: bare: ${messageOf(error)}`);
      }
    }
  } finally {
    await opened.close();
  }
  if (bare.length === hosts.length) return 'bare nodes, as no live host could be asked';
  return `the present state of the live hosts${bare.length === 0 ? '' : `, but for ${bare.join(', ')}, which could not be asked`} (${NOT_CARRIED})`;
}
