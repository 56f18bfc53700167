import { defineFact } from '../contract.ts';

/** Where a host's packets go that no other route takes. */
export type DefaultRoute = {
  /** Next hop of the default route that is used, which is the one of the lowest metric; null: none, or it has no next hop. */
  readonly gateway: string | null;
  /** The address that the controller's connection comes from, and the next hop of replies to it; null: not known, or none is needed. */
  readonly peer: string | null;
  readonly peerVia: string | null;
};

/** `sudo` hides SSH_CONNECTION; the shell that sshd started still has it. */
const PEER = `peer=\${SSH_CONNECTION:-} pid=$$
peer=\${peer%% *}
while [ -z "$peer" ] && [ "\${pid:-0}" -gt 1 ]; do
  peer=$(tr '\\0' '\\n' <"/proc/$pid/environ" 2>/dev/null | sed -n 's/^SSH_CONNECTION=\\([^ ]*\\).*/\\1/p')
  pid=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status" 2>/dev/null)
done
if [ -n "$peer" ]; then echo "$peer"; ip route get "$peer" 2>/dev/null; fi`;

/** Key: `4` or `6`, the address family. */
export const defaultRouteFact = defineFact<DefaultRoute>({
  name: 'default_route',
  summary: 'the default route, and the way back to the controller',
  script: (keys) => [...keys.map((key) => `echo '--- ${key === '6' ? '6' : '4'}'; ip -${key === '6' ? '6' : '4'} route show default 2>/dev/null`), "echo '--- peer'", PEER, ':'].join('\n'),
  parse: (output, keys) => {
    const sections = new Map(output.toString('utf8').split(/^--- /m).map((section) => [section.split('\n')[0] ?? '', section.split('\n').slice(1)]));
    const [peer = '', path = ''] = sections.get('peer') ?? [];
    const found = { peer: peer === '' ? null : peer, peerVia: / via (\S+)/.exec(path)?.[1] ?? null };
    return new Map(keys.map((key) => [key, { gateway: usedGateway(sections.get(key) ?? []), ...found }]));
  },
  // Another controller has another way to the host.
  aspects: ({ gateway }, key) => ({ [`default route of IPv${key}`]: gateway }),
});

function usedGateway(lines: readonly string[]): string | null {
  const metric = (line: string): number => Number(/ metric (\d+)/.exec(line)?.[1] ?? 0);
  const [used] = lines.filter((line) => line.startsWith('default')).sort((a, b) => metric(a) - metric(b));
  return / via (\S+)/.exec(used ?? '')?.[1] ?? null;
}
