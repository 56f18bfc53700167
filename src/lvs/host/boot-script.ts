import { MANAGED } from '../../core/managed.ts';
import { shellQuote } from '../../core/text/quote.ts';
import { IPVS_STATUS, IPVS_STOP, IPVS_SYNC, ipvsData, type ScriptIpvs } from './boot-script-ipvs.ts';

/** What a script of ours sets up at boot, in this order: modules, tunnel interfaces, kernel parameters, IPVS, addresses. */
export interface BootScript {
  /** One line for whoever reads it. */
  readonly summary: string;
  readonly modules: readonly string[];
  /** What `prepare` makes, by name: the record from which a later topology knows what to take away. */
  readonly parts?: readonly string[];
  /** Commands that make interfaces, each one line of sh; they must bear to be run again. After the modules, before the kernel parameters. */
  readonly prepare?: readonly string[];
  /** Files below /proc/sys and their values; when one cannot be set, no address is. */
  readonly sysctls: Readonly<Record<string, string>>;
  readonly addresses: readonly ScriptAddress[];
  /** Commands that undo `prepare`, after the addresses are gone; a failure is no failure. */
  readonly dismantle?: readonly string[];
  readonly ipvs?: ScriptIpvs | undefined;
}

export interface ScriptAddress {
  readonly interface: string;
  /** With prefix length. */
  readonly address: string;
}

/**
 * A POSIX sh script `start|stop|status|reload`: idempotent, and it touches only what it lists. Exit codes as the LSB has them for init scripts.
 * The lists at its head are also the record of what is ours on a host: `recordedAddresses`, `recordedServices`.
 */
export function renderBootScript(script: BootScript): string {
  const { ipvs, parts = [], prepare = [], dismantle = [] } = script;
  return [
    ...scriptHead(script.summary),
    '',
    `modules='${script.modules.join(' ')}'`,
    `sysctls=${scriptList(Object.entries(script.sysctls).map(([file, value]) => `${file}=${value}`))}`,
    `addresses=${scriptList(script.addresses.map((one) => `${one.interface}=${one.address}`))}`,
    ...(parts.length === 0 ? [] : ['# Made by the commands in start and removed by those in stop:', `# shellcheck disable=SC2034 # for whoever takes this file's place`, `parts=${scriptList(parts)}`]),
    ...(ipvs === undefined ? [] : ipvsData(ipvs, scriptList)),
    '',
    COMMON,
    ...(ipvs === undefined ? [] : ['', IPVS_SYNC, '', IPVS_STOP, '', IPVS_STATUS]),
    '',
    'start() {',
    '    for module in $modules; do',
    '        # A kernel may have it built in; what is really missing shows below.',
    '        modprobe "$module" 2>/dev/null || :',
    '    done',
    ...prepare.map((line) => `    ${line} || failed ${shellQuote(`failed: ${line}`)}`),
    '    set_sysctls',
    ...(ipvs === undefined ? [] : ['    start_ipvs']),
    '    add_addresses',
    '}',
    '',
    'stop() {',
    '    remove_addresses',
    ...dismantle.map((line) => `    ${line} 2>/dev/null || :`),
    ...(ipvs === undefined ? [] : ['    stop_ipvs']),
    '}',
    '',
    'status() {',
    '    found=0',
    '    wrong=0',
    '    check_addresses',
    '    check_sysctls',
    ...(ipvs === undefined ? [] : ['    check_ipvs']),
    '    if [ "$wrong" -eq 0 ]; then echo "all is there"; return 0; fi',
    '    if [ "$found" -eq 0 ]; then echo "nothing is there"; return 3; fi',
    '    return 1',
    '}',
    '',
    SCRIPT_TAIL,
  ].join('\n');
}

/** How every script of ours begins. @param summary one line for whoever reads it */
export function scriptHead(summary: string): string[] {
  return [
    '#!/bin/sh',
    `# ${MANAGED}`,
    '#',
    `# ${summary}`,
    '# Usage: start|stop|status|reload. Only what is listed here is touched; start and reload make it so, whatever is there already.',
    '# status: 0 all is there, 1 a part is missing, 3 nothing is there, 4 it cannot be told.',
    '# shellcheck disable=SC2086 # options are several words',
    'set -fu',
    'PATH=$PATH:/usr/sbin:/sbin',
  ];
}

/** A list at a script's head: one entry a line, with an empty line at both ends. */
export function scriptList(entries: readonly string[]): string {
  return entries.length === 0 ? "''" : shellQuote(`\n${entries.join('\n')}\n`);
}

/** Functions of every script of ours: `say` and `failed`. */
export const SCRIPT_COMPLAINTS = `say() {
    printf '%s: %s\\n' "\${0##*/}" "$1" >&2
}

failed() {
    say "$1"
    exit 1
}`;

/** How every script of ours ends: its functions `start`, `stop` and `status` by name. */
export const SCRIPT_TAIL = `case \${1-} in
    start | reload) start ;;
    stop) stop ;;
    status) status ;;
    *) say "usage: start|stop|status|reload"; exit 2 ;;
esac
`;

const COMMON = `newline='
'

${SCRIPT_COMPLAINTS}

# A part of a file's name may be *: all interfaces.
expand() {
    set +f
    set -- $1
    set -f
    expanded=$*
}

set_sysctls() {
    while IFS='=' read -r files value; do
        expand "$files"
        for file in $expanded; do
            printf '%s\\n' "$value" >"$file" || failed "cannot set $file to $value"
        done
    done <<END
$sysctls
END
}

check_sysctls() {
    while IFS='=' read -r files value; do
        expand "$files"
        for file in $expanded; do
            # Not the shell's read: it takes a byte at a time, and these files end after the first. Numbers may have tabs between them.
            set -- $(cat "$file" 2>/dev/null)
            [ "$*" = "$value" ] || missing "$file is \${*:-nothing}, not $value"
        done
    done <<END
$sysctls
END
}

add_addresses() {
    for entry in $addresses; do
        # Nobody else has it: without nodad IPv6 would wait for an answer before it serves.
        case $entry in *:*) set -- nodad ;; *) set -- ;; esac
        ip address replace "\${entry#*=}" dev "\${entry%%=*}" "$@" || failed "cannot put \${entry#*=} on \${entry%%=*}"
    done
}

remove_addresses() {
    present=$(ip -o address show) || failed 'cannot read the addresses'
    for entry in $addresses; do
        is_present "$entry" || continue
        ip address delete "\${entry#*=}" dev "\${entry%%=*}" || failed "cannot remove \${entry#*=} from \${entry%%=*}"
    done
}

check_addresses() {
    present=$(ip -o address show) || exit 4
    for entry in $addresses; do
        if is_present "$entry"; then found=$((found + 1)); else missing "\${entry#*=} is not on \${entry%%=*}"; fi
    done
}

is_present() {
    while read -r _ link _ address _; do
        if [ "$link=$address" = "$1" ]; then return 0; fi
    done <<END
$present
END
    return 1
}

missing() {
    say "$1"
    wrong=$((wrong + 1))
}`;

/** The file of a kernel parameter; a dot within a part of its name is written as a slash there (sysctl.d(5)). */
export function sysctlFile(name: string): string {
  return `/proc/sys/${name.replaceAll(/[./]/g, (separator) => (separator === '.' ? '/' : '.'))}`;
}

/** The addresses that a script of ours puts somewhere, from its text; none for a text that is not ours. */
export function recordedAddresses(text: string): readonly ScriptAddress[] {
  return recorded(text, 'addresses').flatMap((line): ScriptAddress[] => {
    const at = line.indexOf('=');
    return at < 0 ? [] : [{ interface: line.slice(0, at), address: line.slice(at + 1) }];
  });
}

/** Lines of a list at a script's head. */
export function recorded(text: string, name: 'addresses' | 'services' | 'parts'): readonly string[] {
  if (!text.startsWith(`#!/bin/sh\n# ${MANAGED}\n`)) return [];
  const body = new RegExp(`^${name}='\\n([^']*)'$`, 'm').exec(text)?.[1] ?? '';
  return body.split('\n').filter((line) => line !== '');
}

/**
 * The unit that runs a script of ours at boot, and can reload it.
 * @param order lines of [Unit] that say when
 */
export function renderBootUnit(description: string, script: string, order: readonly string[]): string {
  return [
    `# ${MANAGED}`,
    '[Unit]',
    `Description=${description}`,
    `RequiresMountsFor=${script}`,
    ...order,
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    `ExecStart=${script} start`,
    `ExecReload=${script} reload`,
    `ExecStop=-${script} stop`,
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}
