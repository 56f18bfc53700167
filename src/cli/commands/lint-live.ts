import { checkHosts } from '../../lint/live/check.ts';
import { parseLiveState } from '../../lint/live/parse.ts';
import { liveQuestion, liveScript } from '../../lint/live/question.ts';
import type { Found, LintInput } from '../../lint/types.ts';
import { observe } from '../../observe/ask.ts';
import type { Missing } from '../../observe/observation.ts';
import { newNonce } from '../../plan/session.ts';
import type { OpenSite } from '../input/open-site.ts';

/** What the rules find on hosts that answered, and who did not. */
export interface FoundLive {
  readonly found: readonly Found[];
  readonly missing: readonly Missing[];
}

/** Asks every director and real server, one request each, and runs the rules about live hosts. */
export async function foundLive(input: LintInput, target: OpenSite['target'], forks: number): Promise<FoundLive> {
  const { topology } = input;
  const hosts = [...new Set([...topology.directors.keys(), ...topology.realServers.keys()])];
  const states = await observe(hosts, target, (host) => {
    const [question, nonce] = [liveQuestion(topology, host), newNonce()];
    return { script: liveScript(question, nonce), read: (output) => parseLiveState(host, question, output, nonce) };
  }, { forks });
  return { found: checkHosts(input, states), missing: states.missing };
}
