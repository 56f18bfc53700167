import type { UndoKind } from '../contract.ts';

/** Kernel modules that are loaded: all of them, as one brings others along. State: their names. */
export const moduleKind: UndoKind = {
  name: 'module',
  state: (keys) => keys.map(({ id }) => `if [ -r /proc/modules ]; then set -- $(cut -d ' ' -f 1 /proc/modules | sort); echo ${String(id)} "$*"; fi`).join('\n'),
  restore: {
    load: (keys) => keys.map(({ id }) => `if differs ${String(id)}; then load_modules ${String(id)}; fi`).join('\n'),
    unload: (keys) => keys.map(({ id }) => `if differs ${String(id)}; then unload_modules ${String(id)}; fi`).join('\n'),
  },
  check: ({ id }) => `check_modules ${String(id)}`,
};

/** Functions of sh for kernel modules. */
export const MODULE_LIBRARY = `load_modules() {
    eval "was=\\$was_$1 now=\\$now_$1"
    for module in $was; do
        case " $now " in *" $module "*) ;; *) modprobe "$module" 2>/dev/null || problem "module $module could not be loaded" ;; esac
    done
}

# Whether the run brought a module, from $was and $after. What came since is somebody else's; and with a table's module its rules go, which may be somebody's too.
of_run() {
    case " $was " in *" $1 "*) return 1 ;; esac
    if [ -n "$after" ]; then case " $after " in *" $1 "*) ;; *) return 1 ;; esac; fi
    case $1 in
        iptable_* | ip6table_*) if has_rules "$1"; then return 1; fi ;;
    esac
}

# What the run brought and nobody uses. The latest comes first in the kernel's list, so that users go before what they use.
unload_modules() {
    eval "was=\\$was_$1"
    eval "after=\\\${after_$1:-}"
    round=0
    while [ "$round" -lt 4 ]; do
        round=$((round + 1))
        set --
        while read -r module _ users _; do
            if of_run "$module"; then set -- "$@" "$module"; fi
        done <<END
$(cat /proc/modules)
END
        [ $# -gt 0 ] || return 0
        rmmod "$@" 2>/dev/null && return 0
    done
}

check_modules() {
    eval "was=\\$was_$1 now=\\$now_$1"
    eval "after=\\\${after_$1:-}"
    [ -n "$was" ] || return 0
    left= gone=
    for module in $now; do
        if of_run "$module"; then left="$left $module"; fi
    done
    for module in $was; do
        case " $now " in *" $module "*) ;; *) gone="$gone $module" ;; esac
    done
    [ -z "$left$gone" ] || problem "kernel modules:\${left:+ still loaded$left}\${gone:+ missing$gone}"
}

has_rules() {
    case $1 in
        iptable_*) save=iptables-save ;;
        *) save=ip6tables-save ;;
    esac
    command -v "$save" >/dev/null 2>&1 || return 1
    case $("$save" -t "\${1#*_}" 2>/dev/null) in *"$nl-A "* | *"$nl:"*' - ['*) return 0 ;; esac
    return 1
}`;
