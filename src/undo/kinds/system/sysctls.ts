import { sysctlPath, sysctlPattern } from '../../../facts/system/sysctl.ts';
import type { Numbered, UndoKind } from '../contract.ts';

/** Kernel parameters, also those of a form (`net.ipv4.conf.*.x`). One `grep` for all. State: `;FILE:VALUE` for each file, `none` when the kernel has none. */
export const sysctlKind: UndoKind = {
  name: 'sysctl',
  state: (keys) => {
    const ordered = inOrder(keys);
    return [
      ...ordered.map(({ id }) => `v_${String(id)}=`),
      'set +f',
      `lines=$(grep -Hs '' -- ${ordered.map(({ key }) => sysctlPattern(key)).join(' ')})`,
      'set -f',
      'IFS=$nl',
      'for line in $lines; do',
      '    case $line in',
      ...ordered.map(({ id, key }) => `        ${sysctlPattern(key)}:*) v=${String(id)} ;;`),
      '        *) continue ;;',
      '    esac',
      // Of several lines the first; a value is only ever quoted.
      '    eval "seen=\\$v_$v"',
      '    case $seen in *";${line%%:*}:"*) ;; *) eval "v_$v=\\$seen\\;\\$line" ;; esac',
      'done',
      'unset IFS',
      ...ordered.map(({ id }) => `printf '%s %s\\n' ${String(id)} "\${v_${String(id)}:-none}"`),
    ].join('\n');
  },
  restore: {
    // Twice: ip_forward resets others, which come after it.
    sysctls: (keys) => {
      const once = inOrder(keys).map(({ id }) => `if differs ${String(id)}; then set_sysctls ${String(id)}; fi`);
      return [...once, 'look sysctl', ...once].join('\n');
    },
  },
};

/** Those that reset others first, forms last: a file belongs to the first key that names it. */
function inOrder(keys: readonly Numbered[]): Numbered[] {
  const rank = ({ key }: Numbered): number => (key.includes('*') ? 2 : /forward/.test(key) ? 0 : 1);
  return [...keys].sort((a, b) => rank(a) - rank(b) || a.id - b.id);
}

/** Parameters that the kernel changes along with another one (inet_forward_change and addrconf_fixup_forwarding). */
export function impliedSysctls(key: string): readonly string[] {
  const path = sysctlPath(key);
  if (path === '/proc/sys/net/ipv4/ip_forward' || path === '/proc/sys/net/ipv4/conf/all/forwarding') return ['net.ipv4.conf.*.forwarding', 'net.ipv4.conf.all.accept_redirects'];
  return /^\/proc\/sys\/net\/ipv6\/conf\/all\/(?:forwarding|disable_ipv6)$/.test(path) ? [`net.ipv6.conf.*.${path.split('/').at(-1) ?? ''}`] : [];
}

/** Functions of sh for kernel parameters. */
export const SYSCTL_LIBRARY = `set_sysctls() {
    eval "was=\\$was_$1 now=\\$now_$1"
    [ "$was" != none ] || return 0
    IFS=';'
    for item in $was; do
        case $item in /proc/sys/*..*) continue ;; /proc/sys/*) ;; *) continue ;; esac
        case "$now;" in *";$item;"*) continue ;; esac
        printf '%s\\n' "\${item#*:}" 2>/dev/null >"\${item%%:*}" || problem "\${item%%:*} cannot be set to \${item#*:}"
    done
    unset IFS
}`;
