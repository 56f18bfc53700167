import type { UndoKind } from '../contract.ts';

const APT = 'apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold';

/**
 * Packages (dpkg): the whole list, so that what was pulled in goes as well. Those that came with the run are purged, those that went or changed their version
 * are installed again where apt has that version. State: a checksum of the list; the list itself lies beside.
 */
export const packageKind: UndoKind = {
  name: 'package',
  state: (keys) => keys.map(({ id }) => `if command -v dpkg-query >/dev/null 2>&1; then printf "%s %s\\n" ${String(id)} "$(packages | sha256sum | cut -c 1-64)"; fi`).join('\n'),
  save: (keys) => keys.map(({ id }) => `if fresh ${String(id)} && command -v dpkg-query >/dev/null 2>&1; then packages >"$before/packages" || fail 'the list of packages cannot be saved'; fi`).join('\n'),
  restore: { packages: (keys) => keys.map(({ id }) => `if differs ${String(id)}; then restore_packages; fi`).join('\n') },
};

/** Functions of sh for packages. */
export const PACKAGE_LIBRARY = `packages() { dpkg-query -W -f '\${binary:Package} \${Version} \${db:Status-Status}\\n' | sort; }

restore_packages() {
    export DEBIAN_FRONTEND=noninteractive
    # A package manager may still be at work for a controller that is gone; this waits for its lock.
    if [ -e /usr/sbin/policy-rc.d ] || [ -n "$(dpkg --audit 2>/dev/null)" ]; then ${APT} check >/dev/null 2>&1; fi
    if grep -qsF '# lvs-play: services are started' /usr/sbin/policy-rc.d; then rm -f /usr/sbin/policy-rc.d; fi
    if [ -n "$(dpkg --audit 2>/dev/null)" ]; then dpkg --configure -a --force-confdef --force-confold >>"$log" 2>&1; fi
    packages >"$work/packages.now"
    # What came after the run is somebody else's.
    if [ -f "$dir/after/packages" ]; then
        grep -vxFf "$dir/after/packages" "$work/packages.now" >"$work/packages.later"
        came=$(grep -vxFf "$before/packages" "$work/packages.now" | grep -vxFf "$work/packages.later")
    else
        came=$(grep -vxFf "$before/packages" "$work/packages.now")
    fi
    gone=$(grep -vxFf "$work/packages.now" "$before/packages")
    install=; remove=; purge=
    IFS=$nl
    for line in $gone; do
        case $line in
            *' installed') name=\${line%% *}; version=\${line#* }; install="$install$name=\${version%% *}$nl" ;;
            *) remove="$remove\${line%% *}$nl" ;;
        esac
    done
    for line in $came; do
        case "$nl$install" in *"$nl\${line%% *}="*) continue ;; esac
        case "$nl$remove" in *"$nl\${line%% *}$nl"*) continue ;; esac
        purge="$purge\${line%% *}$nl"
    done
    if [ -n "$purge" ]; then
        # All at once: they may need each other. Never more than these: dpkg refuses what others still need.
        dpkg --purge -- $purge >>"$log" 2>&1 || problem 'packages of the run could not all be purged: '$(tail -n 3 "$log" | tr '\\n' ' ')
    fi
    if [ -n "$remove" ]; then dpkg --remove -- $remove >>"$log" 2>&1; fi
    unset IFS
    if [ -n "$install" ]; then
        if ${APT} --allow-downgrades install -- $install >>"$log" 2>&1; then :; else
            # One version that is no longer to be had must not keep the others away.
            for one in $install; do ${APT} --allow-downgrades install -- "$one" >>"$log" 2>&1 || problem "package $one is not to be had"; done
        fi
    fi
}`;
