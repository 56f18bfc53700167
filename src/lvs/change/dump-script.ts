/** Files that the children of keepalived 2.x write on SIGUSR1. */
const FILES = ['keepalived.data', 'keepalived_check.data', 'keepalived_bfd.data'];

const all = (prefix: string): string => FILES.map((name) => `"$${prefix}/${name}"`).join(' ');

/**
 * POSIX sh, as root: prints what a running keepalived does, in two sections, `--- vrrp` and `--- checkers`; nothing where none runs, where it is only starting, or
 * where it does not answer in whole within two seconds.
 *
 * keepalived writes its state on SIGUSR1 into its /tmp, which may be its own (PrivateTmp): a file a child. They are read when each child has written its own and holds
 * none of them open any more. They are moved aside before, so that a signal that somebody else sends meanwhile cannot cut them short. They hold the password, so they go again.
 * A daemon that has not set up its signals yet would die of SIGUSR1: bit 9 of the masks in /proc tells.
 */
export const DUMP_SCRIPT = [
  'pid=$(systemctl show -p MainPID keepalived.service); pid=${pid#MainPID=}',
  'ready=',
  'if [ "${pid:-0}" -gt 0 ] && [ -r "/proc/$pid/status" ]; then',
  '  while read -r name mask; do',
  '    case $name in SigBlk:|SigIgn:|SigCgt:) case $mask in *[2367abefABEF]??) ready=1 ;; esac ;; esac',
  '  done <"/proc/$pid/status"',
  'fi',
  'if [ -n "$ready" ]; then',
  '  tmp=/proc/$pid/root/tmp; kept=$tmp/lvs-play.$$',
  // A child that is about to write has no file yet, or has it open. One that checks a new file (reload_check_config) soon ends.
  '  complete() {',
  '    children=; there=0',
  '    if [ -r "/proc/$pid/task/$pid/children" ]; then read -r children <"/proc/$pid/task/$pid/children"; fi',
  '    set -- $children',
  `    for file in ${all('tmp')}; do`,
  '      [ -f "$file" ] && [ ! -h "$file" ] && [ -O "$file" ] && [ -s "$file" ] || continue',
  '      there=$((there + 1))',
  '      for child in $children; do for open in "/proc/$child"/fd/*; do if [ "$open" -ef "$file" ]; then return 1; fi; done; done',
  '    done',
  '    [ "$there" -gt 0 ] && [ "$there" -ge $# ]',
  '  }',
  `  rm -f ${all('tmp')} "$tmp/keepalived_parent.data"`,
  '  try=0; whole=',
  // Who is not root waits for nothing.
  '  kill -USR1 "$pid" 2>/dev/null || try=20',
  '  while [ $try -lt 20 ]; do',
  '    sleep 0.1; try=$((try + 1))',
  '    if complete; then whole=1; break; fi',
  '  done',
  '  if [ -n "$whole" ] && mkdir -m 700 "$kept" 2>/dev/null; then',
  `    for file in ${all('tmp')}; do if [ -e "$file" ]; then mv "$file" "$kept"; fi; done`,
  "    echo '--- vrrp'; if [ -e \"$kept/keepalived.data\" ]; then cat \"$kept/keepalived.data\"; fi",
  "    echo '--- checkers'; if [ -e \"$kept/keepalived_check.data\" ]; then cat \"$kept/keepalived_check.data\"; fi",
  '  fi',
  `  rm -rf "$kept" ${all('tmp')} "$tmp/keepalived_parent.data"`,
  'fi',
  ':',
].join('\n');
