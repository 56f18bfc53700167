import { serverWords, serviceName, serviceWords } from '../ipvs/commands.ts';
import type { IpvsTable } from '../ipvs/types.ts';
import { formatEndpoint } from '../model/ip.ts';

/** Virtual services that no daemon manages, and the time-outs of connections in seconds. */
export interface ScriptIpvs {
  readonly table: IpvsTable;
  readonly timeouts: readonly [tcp: number, tcpFin: number, udp: number] | undefined;
}

/**
 * The lists of virtual services (`NAME|OPTIONS`) and real servers (`NAME|ENDPOINT|OPTIONS`) of a script, as `ipvsadm -Sn` would write them: what is
 * there word for word needs no command.
 */
export function ipvsData({ table, timeouts }: ScriptIpvs, list: (entries: readonly string[]) => string): readonly string[] {
  return [
    `services=${list(table.services.map((service) => `${serviceName(service).join(' ')}|${serviceWords(service).join(' ')}`))}`,
    `servers=${list(
      table.services.flatMap((service) =>
        service.destinations.map((server) => `${serviceName(service).join(' ')}|${formatEndpoint(server.address, server.port)}|${serverWords(service, server).join(' ')}`),
      ),
    )}`,
    `timeouts='${timeouts === undefined ? '' : timeouts.map(String).join(' ')}'`,
  ];
}

/** Real servers are added before others are removed, and an edited weight is an edit: connections live on. */
export const IPVS_SYNC = `read_table() {
    command -v ipvsadm >/dev/null || { say 'ipvsadm is not installed'; return 5; }
    table=$newline$(ipvsadm -Sn)$newline
}

start_ipvs() {
    read_table || exit
    [ -z "$timeouts" ] || ipvsadm --set $timeouts || failed 'cannot set the time-outs'
    while IFS='|' read -r service options; do
        [ -n "$service" ] || continue
        case $table in
            *"$newline-A $service $options$newline"*) ;;
            *"$newline-A $service -s "*) ipvsadm -E $service $options || failed "cannot change $service" ;;
            *) ipvsadm -A $service $options || failed "cannot add $service" ;;
        esac
    done <<END
$services
END
    while IFS='|' read -r service server options; do
        [ -n "$service" ] || continue
        case $table in
            *"$newline-a $service -r $server $options$newline"*) ;;
            *"$newline-a $service -r $server "*) ipvsadm -e $service -r "$server" $options || failed "cannot change $server of $service" ;;
            *) ipvsadm -a $service -r "$server" $options || failed "cannot add $server to $service" ;;
        esac
    done <<END
$servers
END
    # What else our own services hold.
    while read -r line; do
        case $line in '-a '*) line=\${line#-a } ;; *) continue ;; esac
        service=\${line%% -r *}
        server=\${line#* -r }
        server=\${server%% *}
        case $services in *"$newline$service|"*) ;; *) continue ;; esac
        case $servers in *"$newline$service|$server|"*) continue ;; esac
        ipvsadm -d $service -r "$server" || failed "cannot remove $server from $service"
    done <<END
$table
END
}`;

export const IPVS_STOP = `stop_ipvs() {
    read_table || exit
    while IFS='|' read -r service _; do
        [ -n "$service" ] || continue
        case $table in *"$newline-A $service -s "*) ipvsadm -D $service || failed "cannot remove $service" ;; esac
    done <<END
$services
END
}`;

export const IPVS_STATUS = `check_ipvs() {
    read_table || exit 4
    while IFS='|' read -r service _; do
        [ -n "$service" ] || continue
        case $table in *"$newline-A $service -s "*) found=$((found + 1)) ;; *) missing "no virtual service $service" ;; esac
    done <<END
$services
END
    while IFS='|' read -r service server _; do
        [ -n "$service" ] || continue
        case $table in *"$newline-a $service -r $server "*) found=$((found + 1)) ;; *) missing "no real server $server of $service" ;; esac
    done <<END
$servers
END
}`;
