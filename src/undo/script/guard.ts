import { MANAGED } from '../../core/managed.ts';

/**
 * Functions of sh for the dead man's switch: `arm SECONDS`, `guard`, `disarm`. A unit of systemd waits for the deadline, also across a reboot; without systemd a process
 * of its own. What counts after a reboot is the earlier of the clock's deadline and of the seconds that were left: a clock that steps back delays nothing.
 */
export const GUARD_LIBRARY = `unit_text() {
    cat <<END
# ${MANAGED}
[Unit]
Description=Restores the state before lvs-play run $run, unless that is confirmed

[Service]
ExecStart=/bin/sh $dir/undo guard
# A shutdown in the middle is gone on with after the boot.
KillMode=process
TimeoutStopSec=5

[Install]
WantedBy=multi-user.target
END
}

arm() {
    rm -f "$dir/confirmed" "$dir/restored" "$dir/left"
    echo "$(($(date +%s) + $1)) $1" >"$dir/armed"
    sync
    if [ -d /run/systemd/system ]; then
        for place in /etc /run; do
            { unit_text >"$place/systemd/system/$unit"; } 2>/dev/null || continue
            case $place in /etc) lasting= ;; *) lasting=--runtime ;; esac
            if systemctl enable -q --now $lasting "$unit"; then
                if [ "$place" = /etc ]; then echo 'armed boot'; else echo 'armed until-reboot'; fi
                return
            fi
        done
    fi
    # The subshell is its session's first process: nothing of the connection's end reaches it.
    setsid /bin/sh "$dir/undo" guard </dev/null >/dev/null 2>&1 &
    echo 'armed until-reboot'
}

guard() {
    read -r deadline left <"$dir/armed" || exit 0
    if [ -s "$dir/left" ]; then read -r left <"$dir/left"; fi
    case $deadline$left in *[!0-9]*) deadline=0 left=0 ;; esac
    echo $$ >"$dir/guard.pid"
    read -r last _ </proc/uptime
    last=\${last%%.*}
    while :; do
        [ -e "$dir/armed" ] || exit 0
        read -r now _ </proc/uptime
        now=\${now%%.*}
        left=$((left - (now - last)))
        last=$now
        by_clock=$((deadline - $(date +%s)))
        if [ "$by_clock" -lt "$left" ]; then left=$by_clock; fi
        if [ "$left" -le 0 ]; then break; fi
        echo "$left" >"$dir/left"
        if [ "$left" -ge 2 ]; then sleep 2; else sleep 1; fi
    done
    # What still starts would come up with what is being taken away.
    tries=0
    while [ "$tries" -lt 60 ] && [ -d /run/systemd/system ]; do
        case $(systemctl is-system-running 2>/dev/null) in initializing | starting) sleep 1 ;; *) break ;; esac
        tries=$((tries + 1))
    done
    restore guard
}

# Whether the guard itself is asking
drop_guard() {
    rm -f "$dir/armed" "$dir/left"
    found=
    for place in /etc /run; do
        [ -e "$place/systemd/system/$unit" ] || continue
        found=1
        case $place in /etc) lasting= ;; *) lasting=--runtime ;; esac
        if [ "$1" = guard ]; then systemctl disable -q $lasting "$unit"; else systemctl disable -q --now $lasting "$unit"; fi
        rm -f "$place/systemd/system/$unit"
    done
    if [ -n "$found" ]; then
        systemctl daemon-reload
    elif [ "$1" != guard ] && [ -s "$dir/guard.pid" ]; then
        kill "$(cat "$dir/guard.pid")" 2>/dev/null
    fi
    rm -f "$dir/guard.pid"
}

disarm() {
    if [ ! -e "$dir/armed" ] && [ ! -e "$dir/restored" ]; then
        if [ -e "$dir/confirmed" ]; then echo confirmed; else echo unarmed; fi
        return
    fi
    lock 3 || { echo restoring; return; }
    if [ -e "$dir/restored" ]; then
        cat "$dir/restored"
    else
        date +%s >"$dir/confirmed"
        drop_guard operator
        echo confirmed
    fi
    unlock
}`;
