import { SCRIPT_COMPLAINTS, SCRIPT_TAIL } from '../boot-script.ts';

/** Where a director's firewall script notes what it has loaded: the rules it was given, and how the kernel lists them. */
export const FIREWALL_STATE = '/run/lvs-firewall';

/**
 * Shell functions: `choose` sets `tool` to what the host uses, and `listing` prints our own rules as they are in force. iptables where it is the
 * legacy one, as its tables and those of nftables do not see each other; else nftables.
 */
export const FIREWALL_LISTING = `choose() {
    case $(iptables -V 2>/dev/null) in
        *legacy*) tool=iptables ;;
        *) if command -v nft >/dev/null 2>&1; then tool=nft; elif command -v iptables >/dev/null 2>&1; then tool=iptables; else tool=none; fi ;;
    esac
}

listing() {
    if [ "$tool" = nft ]; then
        nft list table ip lvs_play 2>/dev/null
        nft list table ip6 lvs_play 2>/dev/null
    else
        # Without -t it lists the tables that are there, and loads none.
        for command in iptables-save ip6tables-save; do
            "$command" 2>/dev/null | grep -e LVS_PLAY_NAT -e LVS_PLAY_MARK
        done
    fi
    :
}`;

/** The rest of the script. Only our own chains, their two calls and our own nft tables are touched. */
export const FIREWALL_SCRIPT_BODY = `state=${FIREWALL_STATE}

${SCRIPT_COMPLAINTS}

# The rules, without the empty lines at both ends.
rules() {
    printf '%s\\n' "$1" | grep -v '^$'
}

# iptables|ip6tables, table, hook, chain, rules
load_chain() {
    if [ -z "$5" ]; then
        remove_chain "$1" "$2" "$3" "$4"
        return
    fi
    # A chain that is named is emptied; with --noflush no other is touched.
    { printf '%s\\n' "*$2" ":$4 - [0:0]"; rules "$5"; echo COMMIT; } | "$1-restore" --noflush || failed "$1 does not take the rules of $4"
    "$1" -t "$2" -C "$3" -m comment --comment lvs-play -j "$4" 2>/dev/null || "$1" -t "$2" -A "$3" -m comment --comment lvs-play -j "$4" || failed "cannot call $4 from $3"
}

remove_chain() {
    case $("$1-save" 2>/dev/null) in *":$4 "*) ;; *) return 0 ;; esac
    "$1" -t "$2" -D "$3" -m comment --comment lvs-play -j "$4" 2>/dev/null
    "$1" -t "$2" -F "$4" && "$1" -t "$2" -X "$4" || failed "cannot remove $4"
}

# ip|ip6, rules. In one transaction: there is no moment without.
load_table() {
    if [ -z "$2" ]; then
        remove_table "$1"
        return
    fi
    { printf '%s\\n' "table $1 lvs_play" "delete table $1 lvs_play" "table $1 lvs_play {"; rules "$2"; echo '}'; } | nft -f - || failed 'nft does not take the rules'
}

remove_table() {
    if nft list table "$1" lvs_play >/dev/null 2>&1; then nft delete table "$1" lvs_play || failed 'cannot remove the table lvs_play'; fi
}

record() {
    printf '%s\\n' "$tool" "$nat4$mangle4$nft4$nat6$mangle6$nft6" '--- loaded'
    listing
}

start() {
    choose
    case $tool in
        none) failed 'neither nft nor iptables is here' ;;
        nft)
            load_table ip "$nft4"
            load_table ip6 "$nft6"
            ;;
        *)
            load_chain iptables nat POSTROUTING LVS_PLAY_NAT "$nat4"
            load_chain iptables mangle PREROUTING LVS_PLAY_MARK "$mangle4"
            load_chain ip6tables nat POSTROUTING LVS_PLAY_NAT "$nat6"
            load_chain ip6tables mangle PREROUTING LVS_PLAY_MARK "$mangle6"
            ;;
    esac
    record >"$state"
}

stop() {
    choose
    if [ "$tool" = nft ]; then
        remove_table ip
        remove_table ip6
    elif [ "$tool" = iptables ]; then
        for command in iptables ip6tables; do
            remove_chain "$command" nat POSTROUTING LVS_PLAY_NAT
            remove_chain "$command" mangle PREROUTING LVS_PLAY_MARK
        done
    fi
    rm -f "$state"
}

status() {
    choose
    if [ ! -r "$state" ]; then echo "nothing is there"; return 3; fi
    if [ "$(cat "$state")" = "$(record)" ]; then echo "all is there"; return 0; fi
    say 'the rules in force are others'
    return 1
}

${SCRIPT_TAIL}`;
