import { shellQuote } from '../../../core/text/quote.ts';
import type { Numbered, UndoKind } from '../contract.ts';

/**
 * Virtual services that a run changes with ipvsadm, one by one (`TCP 192.168.0.38:80`), and time-outs (`timeouts`). Others' services, and those that keepalived
 * fills, are neither saved nor touched. State: the lines of `ipvsadm -Sn`, with thresholds, `|` between them.
 */
export const ipvsKind: UndoKind = {
  name: 'ipvs',
  state: (keys) =>
    [
      'table=; thresholds=',
      // Where IPVS is not loaded, ipvsadm would load it.
      'if [ -r /proc/net/ip_vs ] && command -v ipvsadm >/dev/null 2>&1; then table=$(ipvsadm -Sn | sort); thresholds=$(ipvsadm -Ln --thresholds); fi',
      ...keys.map(({ id, key }) => (key === 'timeouts' ? timeoutsLine(id) : `service_state ${String(id)} ${shellQuote(key)} ${shellQuote(nameOf(key))}`)),
    ].join('\n'),
  restore: {
    ipvs: (keys) => keys.map(({ id, key }) => `if differs ${String(id)}; then ${key === 'timeouts' ? `restore_timeouts ${String(id)}` : `restore_service ${String(id)} ${shellQuote(nameOf(key))}`}; fi`).join('\n'),
  },
};

function timeoutsLine(id: Numbered['id']): string {
  return `set -- $(if [ -n "$thresholds" ]; then ipvsadm -Ln --timeout 2>/dev/null; fi); shift $(($# > 3 ? $# - 3 : 0)); echo ${String(id)} "\${*:-none}"`;
}

/** Words for ipvsadm from a key of lvs/ipvs/types.ts (serviceKey). */
function nameOf(key: string): string {
  const [protocol = '', place = '', six] = key.split(' ');
  const option = { TCP: '-t', UDP: '-u', SCTP: '--sctp-service', FWM: '-f' }[protocol] ?? '-t';
  return `${option} ${place}${six === undefined ? '' : ' -6'}`;
}

/** Functions of sh for IPVS. */
export const IPVS_LIBRARY = `# ID, service as ipvsadm -Ln shows it, its name for ipvsadm
service_state() {
    found=
    IFS=$nl
    for line in $table; do
        line=\${line% }
        case $line in
            "-A $3 -s "*) found="$line$found" ;;
            "-a $3 -r "*)
                server=\${line#*" -r "}
                found="$found|$line$(limits_of "$2" "\${server%% *}")"
                ;;
        esac
    done
    unset IFS
    printf '%s %s\\n' "$1" "\${found:-absent}"
}

# service, server: its thresholds, where it has some
limits_of() {
    inside=
    unset IFS
    while read -r first second third fourth _; do
        case $first in
            TCP | UDP | SCTP | FWM) inside=; case "$1" in "$first $second" | "$first $second $third") inside=1 ;; esac ;;
            '->')
                [ -n "$inside" ] && [ "$second" = "$2" ] || continue
                if [ "$third" != 0 ]; then printf ' -x %s' "$third"; fi
                if [ "$fourth" != 0 ]; then printf ' -y %s' "$fourth"; fi
                ;;
        esac
    done <<END
$thresholds
END
}

# ID, name
restore_service() {
    eval "was=\\$was_$1 now=\\$now_$1"
    if [ "$was" = absent ]; then ipvsadm -D $2 2>>"$log"; return; fi
    modprobe ip_vs 2>/dev/null
    head=\${was%%|*}
    if [ "$now" = absent ]; then ipvsadm $head 2>>"$log"; else ipvsadm -E \${head#-A } 2>>"$log"; fi
    # New servers first, then changed ones; what is too much goes last, so that there is always one.
    servers=
    case $was in *'|'*) servers=\${was#*|} ;; esac
    IFS='|'
    for line in $servers; do
        case "|\${now#*|}|" in *"|$line|"*) continue ;; esac
        server=\${line#*" -r "}
        IFS=' '
        case $now in *" -r \${server%% *} "*) ipvsadm -e \${line#-a } 2>>"$log" ;; *) ipvsadm $line 2>>"$log" ;; esac
        IFS='|'
    done
    case $now in
        *'|'*)
            for line in \${now#*|}; do
                server=\${line#*" -r "}
                case "$was " in *" -r \${server%% *} "*) continue ;; esac
                IFS=' '
                ipvsadm -d $2 -r "\${server%% *}" 2>>"$log"
                IFS='|'
            done
            ;;
    esac
    unset IFS
}

restore_timeouts() {
    eval "was=\\$was_$1"
    [ "$was" = none ] || ipvsadm --set $was 2>>"$log"
}`;
