/** What apt and dpkg lock, for their whole work or for parts of it. */
const LOCKS = ['/var/lib/dpkg/lock-frontend', '/var/lib/dpkg/lock', '/var/lib/apt/lists/lock', '/var/cache/apt/archives/lock'];

/**
 * A POSIX sh script that says in a few words which program holds a lock of the package manager: `apt-get (process 812, apt-daily.service) is at work`. It prints nothing when all are
 * free. The kernel's own list of locks is read, so that nothing need be installed for it. File systems whose device numbers differ there (btrfs) look free; apt itself then
 * waits, for a shorter time.
 */
export const APT_LOCKS_SCRIPT = `held=$(cat /proc/locks 2>/dev/null)
for lock in ${LOCKS.join(' ')}; do
  [ -e "$lock" ] || continue
  set -- $(stat -c '%D %i' "$lock")
  device=$((0x$1))
  place=$(printf '%02x:%02x:%s' $(((device >> 8) & 0xfff)) $(((device & 0xff) | ((device >> 12) & 0xfff00))) "$2")
  pid=$(printf '%s\\n' "$held" | while read -r _ _ _ kind pid at _; do if [ "$kind $at" = "WRITE $place" ]; then echo "$pid"; break; fi; done)
  [ -n "$pid" ] || continue
  name=another
  read -r name 2>/dev/null <"/proc/$pid/comm" || name='a package manager'
  unit=$(sed -n 's,^0::.*/\\([^/]*\\.service\\)$,\\1,p' "/proc/$pid/cgroup" 2>/dev/null)
  printf '%s (process %s%s) is at work\\n' "$name" "$pid" "\${unit:+, $unit}"
  break
done
:
`;
