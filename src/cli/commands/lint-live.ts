import { mapLimited } from '../../core/pool.ts';
import { checkHosts } from '../../lint/live/check.ts';
import { parseLiveState } from '../../lint/live/parse.ts';
import { liveQuestion, liveScript } from '../../lint/live/question.ts';
import type { LiveState } from '../../lint/live/state.ts';
import type { Found, LintInput } from '../../lint/types.ts';
import { newNonce } from '../../plan/session.ts';
import { askHost } from '../ask-host.ts';
import type { OpenSite } from '../input/open-site.ts';

/** Asks every director and real server, one request each, and runs the rules about live hosts. @throws LvsPlayError for a host that does not answer */
export async function foundLive(input: LintInput, target: OpenSite['target'], forks: number): Promise<readonly Found[]> {
  const { topology } = input;
  const hosts = [...new Set([...topology.directors.keys(), ...topology.realServers.keys()])];
  const states = await mapLimited(hosts, forks, (host): Promise<LiveState> => {
    const [question, nonce] = [liveQuestion(topology, host), newNonce()];
    return askHost(host, target, { script: liveScript(question, nonce), read: (output) => parseLiveState(host, question, output, nonce) });
  });
  return checkHosts(input, new Map(states.map((state) => [state.host, state])));
}
