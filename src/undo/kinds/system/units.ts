import { shellCommand, shellQuote } from '../../../core/text/quote.ts';
import type { Numbered, UndoKind } from '../contract.ts';

/**
 * Units of systemd: whether they run and start at boot. State: `active enabled`, `inactive -`.
 * @param files numbers of the paths that each unit reads, by the unit's name: when one came back different, the unit is told
 */
export function unitKind(files: ReadonlyMap<string, readonly number[]>): UndoKind {
  return {
    name: 'unit',
    state: (keys) =>
      [
        `shown=$(${shellCommand(['systemctl', 'show', '--no-pager', '-p', 'LoadState,ActiveState,SubState,UnitFileState', '--', ...keys.map(({ key }) => key)])} 2>/dev/null) || return 0`,
        '[ -n "$shown" ] || return 0',
        `set -- ${keys.map(({ id }) => String(id)).join(' ')}`,
        // Blocks in the order asked, with an empty line between them.
        'load=; active=; sub=; enabled=',
        'while IFS= read -r line; do',
        '    case $line in',
        '        LoadState=*) load=${line#*=} ;;',
        '        ActiveState=*) active=${line#*=} ;;',
        '        SubState=*) sub=${line#*=} ;;',
        '        UnitFileState=*) enabled=${line#*=} ;;',
        "        '') [ -z \"$load\" ] || { unit_line \"$1\"; shift; }; load=; active=; sub=; enabled= ;;",
        '    esac',
        'done <<END',
        '$shown',
        '',
        'END',
      ].join('\n'),
    // An empty directory of links goes with the last link.
    save: () => 'if [ ! -e "$before/wants" ]; then find /etc/systemd/system -type d -name "*.wants" >"$before/wants" 2>/dev/null; fi',
    restore: {
      // What was not running is stopped while its old files are still there to say how; and the firewall's stop takes its rules along.
      stop: (keys) => each(keys, ({ id, key }) => `if differs ${String(id)}; then stop_unit ${String(id)} ${shellQuote(key)}; fi`),
      enable: (keys) => each(keys, ({ id, key }) => `if differs ${String(id)}; then enable_unit ${String(id)} ${shellQuote(key)}; fi`),
      start: (keys) => each(keys, ({ id, key }) => `start_unit ${String(id)} ${shellQuote(key)} ${shellQuote((files.get(key) ?? []).map(String).join(' '))}`),
      unload: () => 'while IFS= read -r wants; do if [ ! -d "$wants" ]; then mkdir -p -- "$wants" && chmod 0755 "$wants"; fi; done <"$before/wants"',
    },
  };
}

function each(keys: readonly Numbered[], line: (key: Numbered) => string): string {
  return keys.map(line).join('\n');
}

/** Functions of sh for units. */
export const UNIT_LIBRARY = `unit_line() {
    case $active in
        active | reloading) active=active ;;
        activating) case $sub in auto-restart*) active=inactive ;; *) active=active ;; esac ;;
        *) active=inactive ;;
    esac
    echo "$1 $active \${enabled:--}"
}

states() { eval "was=\\$was_$1 now=\\$now_$1"; }

stop_unit() {
    states "$1"
    case $was,$now in *' masked',*) ;; *,*' masked') systemctl unmask -q -- "$2" ;; esac
    case $was,$now in inactive*,active*) systemctl stop -- "$2" ;; esac
    case $was,$now in *' enabled',*) ;; *,*' enabled') systemctl disable -q -- "$2" 2>/dev/null ;; esac
}

enable_unit() {
    states "$1"
    case $was,$now in
        *' enabled',*' enabled') ;;
        *' enabled',*) systemctl enable -q -- "$2" 2>/dev/null ;;
        *' enabled-runtime',*) systemctl enable -q --runtime -- "$2" 2>/dev/null ;;
        *' masked',*) systemctl mask -q -- "$2" ;;
        *' disabled',*' enabled') systemctl disable -q -- "$2" 2>/dev/null ;;
    esac
}

# ID, unit, numbers of its files
start_unit() {
    states "$1"
    case $was,$now in
        active*,active*)
            for file in $3; do
                case " $touched " in *" $file "*) ;; *) continue ;; esac
                systemctl reload-or-restart -- "$2" || systemctl restart -- "$2"
                # A daemon that reads its file only after the signal may end over it.
                sleep 1
                systemctl is-active -q -- "$2" || systemctl restart -- "$2"
                return
            done
            ;;
        active*,*) systemctl start -- "$2" ;;
    esac
}`;
