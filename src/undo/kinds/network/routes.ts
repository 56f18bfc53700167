import type { UndoKind } from '../contract.ts';

/** Routes of one family (`4`, `6`) in all tables, without those of the kernel's own table, of routing daemons, of keepalived and of router advertisements. */
export const routeKind: UndoKind = {
  name: 'route',
  state: (keys) => keys.map(({ id, key }) => `routes=$(route_lines ${family(key)} | sort | tr '\\n' '|'); printf '%s %s\\n' ${String(id)} "\${routes:-none}"`).join('\n'),
  restore: { network: (keys) => keys.map(({ id, key }) => `if differs ${String(id)}; then restore_routes ${String(id)} ${family(key)}; fi`).join('\n') },
};

function family(key: string): '4' | '6' {
  return key === '6' ? '6' : '4';
}

/** Functions of sh for routes. */
export const ROUTE_LIBRARY = `# 4|6; each as \`ip route add\` takes it
route_lines() {
    ip -o "-$1" route show table all 2>/dev/null | grep -v -e ' table local ' -e '^local ' -e '^broadcast ' -e '^multicast ' -e '^anycast ' -e '^fe80::/' -e '^ff00::/' -e ' expires ' -e ' proto \\(ra\\|keepalived\\|bird\\|zebra\\|bgp\\|ospf\\|isis\\|rip\\|babel\\|18\\)\\( \\|$\\)' | while read -r line; do
        if floats "\${line%% *}"; then continue; fi
        words=
        set -- $line
        while [ $# -gt 0 ]; do
            case $1 in
                linkdown | dead | offload | trap | '\\') ;;
                src) if floats "\${2-}"; then words=; break; fi; words="$words $1" ;;
                *) words="$words $1" ;;
            esac
            shift
        done
        if [ -n "$words" ]; then printf '%s\\n' "\${words# }"; fi
    done
}

# ID, family. Networks of interfaces before what goes through them; what is too much goes last, so that there is always a way.
restore_routes() {
    eval "was=\\$was_$1 now=\\$now_$1"
    for pass in direct via; do
        IFS='|'
        for line in $was; do
            [ "$line" != none ] || continue
            case "|$now" in *"|$line|"*) continue ;; esac
            case $pass,$line in direct,*' via '* | direct,*' nexthop '*) continue ;; via,*' via '* | via,*' nexthop '*) ;; via,*) continue ;; esac
            IFS=' '
            ip "-$2" route replace $line 2>>"$log" || ip "-$2" route add $line 2>>"$log"
            IFS='|'
        done
    done
    for line in $now; do
        case "|$was" in *"|$line|"*) continue ;; esac
        # Those of the kernel come and go with addresses.
        case $line in none | *' proto kernel'*) continue ;; esac
        IFS=' '
        ip "-$2" route delete $line 2>>"$log"
        IFS='|'
    done
    unset IFS
}`;
