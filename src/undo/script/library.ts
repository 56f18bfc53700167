/** Functions of sh that every undo script has: values by number, files put back, results. */
export const LIBRARY = `fail() { printf '%s\\n' "$*" >&2; exit 1; }

# A host that loses its power must not come back with empty files for what was saved.
durable() { sync -f "$1" 2>/dev/null || sync; }

# PREFIX, lines \`ID VALUE\`: into variables PREFIX_ID. Numbers are checked; a value is assigned, never read as code.
load() {
    IFS=$nl
    for line in $2; do
        id=\${line%% *}
        case $id in '' | *[!0-9]*) continue ;; esac
        value=\${line#* }
        eval "$1_$id=\\$value"
    done
    unset IFS
}

load_saved() {
    load was "$(cat "$before/state" 2>/dev/null)"
    load after "$(cat "$dir/after/state" 2>/dev/null)"
    conf=$(cat "$before/conf" /etc/keepalived/keepalived.conf 2>/dev/null)
}

look() { load now "$("state_$1")"; }

# Whether this was not saved yet.
fresh() { eval "[ -z \\"\\\${was_$1:-}\\" ]"; }

# What was not saved, or cannot be seen now, is left alone.
differs() { eval "[ -n \\"\\\${was_$1:-}\\" ] && [ -n \\"\\\${now_$1:-}\\" ] && [ \\"\\$was_$1\\" != \\"\\$now_$1\\" ]"; }

problem() {
    problems=$((problems + 1))
    said="$said\${said:+$nl}problem $*"
}

keep_file() {
    if [ -h "$2" ] || { [ -e "$2" ] && [ ! -d "$2" ]; }; then cp -a -- "$2" "$before/file.$1" || fail "$2 cannot be saved"; fi
}

# Names, attributes and contents of a directory, as one checksum
tree_sum() { (cd -- "$1" && { find . -exec ls -ldn {} + | sort; find . -type f -exec sha256sum {} + | sort; } | sha256sum | cut -c 1-64); }

# ID, path
put_back() {
    eval "was=\\$was_$1"
    touched="$touched $1"
    if [ "$was" = absent ]; then
        rm -rf -- "$2" || problem "$2 cannot be removed"
        return
    fi
    case $was in present*) return ;; esac
    mkdir -p -- "\${2%/*}/"
    case $was in
        'dir '*' '*:*)
            if [ ! -d "$2" ] || [ -h "$2" ]; then rm -f -- "$2"; mkdir -- "$2"; fi
            was=\${was#dir }
            chown "\${was#* }" "$2" && chmod "00\${was%% *}" "$2" || problem "$2: mode and owner cannot be set"
            return
            ;;
    esac
    # Beside its place, then renamed: never half a file. What is in the way goes, a link itself and not what it points to.
    stage="\${2%/*}/.\${2##*/}.lvs-play.$run"
    rm -rf -- "$stage"
    cp -a -- "$before/file.$1" "$stage" || { rm -rf -- "$stage"; problem "$2 cannot be written"; return; }
    if [ -h "$2" ] || [ -d "$2" ]; then rm -rf -- "$2"; fi
    mv -f -- "$stage" "$2" || problem "$2 cannot be written"
}

# ID, what it is: the last word on whether it is as it was
check() {
    if differs "$1"; then
        eval "was=\\$was_$1 now=\\$now_$1"
        [ "\${#was}" -le 300 ] && [ "\${#now}" -le 300 ] || { was='as saved'; now='not'; }
        problem "$2 is $now, was $was"
    fi
}

# One at a time: the guard, the controller, an operator.
lock() {
    tries=0
    while ! mkdir "$lock" 2>/dev/null; do
        holder=$(cat "$lock/pid" 2>/dev/null)
        if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then rm -rf "$lock"; continue; fi
        tries=$((tries + 1))
        [ "$tries" -le "$1" ] || return 1
        sleep 1
    done
    echo $$ >"$lock/pid"
}

unlock() { rm -rf "$lock"; }`;
