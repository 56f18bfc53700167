import { shellQuote } from '../../../core/text/quote.ts';
import type { UndoKind } from '../contract.ts';

/**
 * Addresses of interfaces, and whether these are up; `*` for all interfaces. Left out is what comes and goes by itself: IPv6 addresses of a link or of router
 * advertisements, and those that keepalived moves (all that its file names, as it was or as it is). State: `eth0=up;ADDRESS WORDS;...` with `|` between interfaces.
 */
export const addressKind: UndoKind = {
  name: 'address',
  state: (keys) =>
    [
      'links=$(ip -o link show 2>/dev/null) || return 0',
      'addresses=$(address_lines)',
      ...keys.map(({ id, key }) =>
        key === '*'
          ? `all=; set +f; for link in /sys/class/net/*; do all="$all\${all:+|}$(interface_state "\${link##*/}")"; done; set -f; printf '%s %s\\n' ${String(id)} "$all"`
          : `printf '%s %s\\n' ${String(id)} "$(interface_state ${shellQuote(key)})"`,
      ),
    ].join('\n'),
  restore: { network: (keys) => keys.map(({ id }) => `if differs ${String(id)}; then restore_addresses ${String(id)}; fi`).join('\n') },
};

/** Functions of sh for addresses. `$conf` holds keepalived's files, as saved and as present. */
export const ADDRESS_LIBRARY = `# Whether keepalived moves this address.
floats() { case " $conf " in *[!0-9A-Fa-f.:]"$1"[!0-9A-Fa-f.:]*) return 0 ;; esac; return 1; }

# INTERFACE WORDS for each address that a host has for itself, in the words of \`ip address add\`.
address_lines() {
    ip -o address show 2>/dev/null | while read -r _ link family address rest; do
        rest=\${rest%%\\\\*}
        case $address in fe80:*) continue ;; esac
        case " $rest " in *' temporary '* | *' mngtmpaddr '* | *' kernel_ra '*) continue ;; esac
        if floats "\${address%/*}"; then continue; fi
        words=$address
        set -- $rest
        while [ $# -gt 0 ]; do
            case $1 in
                brd | scope | metric | peer) words="$words $1 \${2-}"; shift ;;
                proto) shift ;;
                secondary | dynamic | tentative | deprecated | dadfailed) ;;
                noprefixroute | nodad | home | autojoin) words="$words $1" ;;
                *) if [ "$family" = inet ]; then words="$words label $1"; fi ;;
            esac
            [ $# -eq 0 ] || shift
        done
        printf '%s %s\\n' "$link" "$words"
    done
}

# From $links and $addresses.
interface_state() {
    state=none
    IFS=$nl
    for line in $links; do
        line=\${line#*: }
        name=\${line%%: *}
        [ "\${name%%@*}" = "$1" ] || continue
        case $line in *[,\\<]UP[,\\>]*) state=up ;; *) state=down ;; esac
        break
    done
    for line in $addresses; do
        if [ "\${line%% *}" = "$1" ]; then state="$state;\${line#* }"; fi
    done
    unset IFS
    printf '%s=%s' "$1" "$state"
}

restore_addresses() {
    eval "was=\\$was_$1 now=\\$now_$1"
    IFS='|'
    for entry in $was; do
        case "|$now|" in *"|$entry|"*) continue ;; esac
        present=
        for other in $now; do
            if [ "\${other%%=*}" = "\${entry%%=*}" ]; then present=\${other#*=}; fi
        done
        unset IFS
        case $present in '' | none) ;; *) restore_interface "\${entry%%=*}" "\${entry#*=}" "$present" ;; esac
        IFS='|'
    done
    unset IFS
}

# interface, state that was, state that is
restore_interface() {
    interface=$1 wanted=';' there=';'
    case $2 in *';'*) wanted=";\${2#*;};" ;; esac
    case $3 in *';'*) there=";\${3#*;};" ;; esac
    if [ "\${2%%;*}" = up ] && [ "\${3%%;*}" != up ]; then ip link set "$1" up 2>>"$log"; fi
    IFS=';'
    for one in $there; do
        case "$wanted" in *";$one;"*) ;; *) address_command delete "$one" ;; esac
    done
    moved=
    for one in $wanted; do
        [ -n "$one" ] || continue
        case "$there" in
            *";$one;"*)
                # The first address of a network is the one that packets leave with: what came after it comes after it again.
                case $moved,$one in ,* | *,*:*) continue ;; esac
                address_command delete "$one"
                ;;
        esac
        address_command add "$one"
        moved=1
    done
    unset IFS
    if [ "\${2%%;*}" != up ] && [ "\${3%%;*}" = up ]; then ip link set "$1" down 2>>"$log"; fi
}

# add|delete, words
address_command() {
    [ -n "$2" ] || return 0
    IFS=' '
    set -- "$1" $2
    case $1,\${3-} in
        delete,peer) set -- "$1" "$2" "$3" "$4" ;;
        delete,*) set -- "$1" "$2" ;;
    esac
    ip address "$@" dev "$interface" 2>>"$log"
    IFS=';'
}`;
