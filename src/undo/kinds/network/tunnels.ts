import { REAL_SERVER_SCRIPT } from '../../../lvs/host/real-server.ts';
import { mangleListing, recordedPart } from '../../../lvs/host/tunnels.ts';
import type { UndoKind } from '../contract.ts';

/** Parts of the tunnels of TUN real servers (lvs/host/tunnels.ts). State: `there` or `absent`. What is missing is made again by our own script, as it came back. */
export const tunnelKind: UndoKind = {
  name: 'tunnel',
  state: (keys) =>
    [
      'fou=$(ip fou show 2>/dev/null)',
      `mangle=$(${mangleListing('4')})`,
      `mangle6=$(${mangleListing('6')})`,
      ...keys.map(({ id, key }) => `if ${there(key)}; then echo ${String(id)} there; else echo ${String(id)} absent; fi`),
    ].join('\n'),
  restore: {
    network: (keys) =>
      keys
        .map(({ id, key }) => `if differs ${String(id)}; then if [ "$was_${String(id)}" = absent ]; then ${recordedPart(key)?.remove ?? ':'}; elif [ -x ${REAL_SERVER_SCRIPT} ]; then ${REAL_SERVER_SCRIPT} start >>"$log" 2>&1; fi; fi`)
        .join('\n'),
  },
};

/** A condition of sh. Keys that lvs/host/tunnels.ts does not make are never there. */
function there(key: string): string {
  const [, family, port] = /^fou ([46]) (\d{1,5})$/.exec(key) ?? [];
  if (port !== undefined) return `has_line "$fou" 'port ${port} gue${family === '6' ? ' -6' : ''}'`;
  const [, name] = /^link ([a-z0-9_]{1,15})$/.exec(key) ?? [];
  if (name !== undefined) return `[ -e /sys/class/net/${name} ]`;
  const [, vip, mss] = /^mss ([0-9a-f.:]{2,45}) (\d{3,5})$/.exec(key) ?? [];
  if (vip === undefined || mss === undefined) return 'false';
  return `case $mangle${vip.includes(':') ? '6' : ''} in *"-A OUTPUT -s ${vip}/"*" TCPMSS --set-mss ${mss}"*) true ;; *) false ;; esac`;
}

/** Functions of sh for tunnels. */
export const TUNNEL_LIBRARY = `has_line() { case "$nl$1$nl" in *"$nl$2$nl"* | *"$nl$2 $nl"*) return 0 ;; esac; return 1; }`;
