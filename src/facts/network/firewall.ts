import { FIREWALL_LISTING, FIREWALL_STATE } from '../../lvs/host/firewall/script.ts';
import { defineFact } from '../contract.ts';

/** Our own firewall rules on a host. */
export type FirewallState = {
  /** What the host uses. */
  readonly tool: 'nft' | 'iptables' | 'none';
  /** The rules that our script was last given, in its own words, where they are still in force. */
  readonly loaded: string | null;
  /** Whether what was loaded last is still in force; false as well when nothing was since boot. */
  readonly intact: boolean;
};

/** Key: `rules`. */
export const firewallFact = defineFact<FirewallState>({
  name: 'firewall',
  summary: "our own firewall rules: what was loaded, and whether it is still so; nobody else's are read",
  script: () => [FIREWALL_LISTING, 'choose', 'printf "%s\\n" "$tool"', "echo '--- listing'", 'listing', "echo '--- state'", `if [ -r ${FIREWALL_STATE} ]; then cat ${FIREWALL_STATE}; else echo '--- none'; fi`].join('\n'),
  parse: (output, keys) => new Map(keys.map((key) => [key, stateOf(output.toString('utf8'))])),
});

function stateOf(output: string): FirewallState {
  const [tool, rest] = split(output, '--- listing\n');
  const [listing, state] = split(rest, '--- state\n');
  const name = tool.trim();
  const known = name === 'nft' || name === 'iptables' ? name : 'none';
  if (state.trimEnd() === '--- none') return { tool: known, loaded: null, intact: false };
  // What the script noted: the tool, what it was given, and the listing right after.
  const [given, loaded] = split(state, '--- loaded\n');
  const intact = given.startsWith(`${name}\n`) && loaded.trimEnd() === listing.trimEnd();
  return { tool: known, loaded: intact ? given.slice(name.length).trim() : null, intact };
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)];
}
