import { MANAGED } from '../../core/managed.ts';
import { HOST_STATE, runFolder } from '../../core/host-state.ts';
import { shellQuote } from '../../core/text/quote.ts';
import type { KindName, Numbered, UndoKey, UndoKind } from '../kinds/contract.ts';
import { PHASES } from '../kinds/contract.ts';
import { librariesOf, undoKinds } from '../kinds/index.ts';
import { GUARD_LIBRARY } from './guard.ts';
import { LIBRARY } from './library.ts';

/** What a run saves on one host. */
export interface UndoScope {
  readonly run: string;
  /** Their place in the list is the number that their values are filed under: it only ever grows. */
  readonly keys: readonly UndoKey[];
  /** Paths that units read, by unit: when one of them comes back, the unit is told. */
  readonly unitFiles: ReadonlyMap<string, readonly string[]>;
}

/**
 * The script that a run leaves on a host: `save`, `note` (the state at the run's end), `tell`, `restore guard|revert|rollback`, `arm SECONDS`, `guard`, `disarm`. POSIX sh, made
 * of keys alone; it needs nothing but the host. Pure.
 * @param root where everything lies
 */
export function renderUndoScript(scope: UndoScope, root = HOST_STATE): string {
  const kinds = presentKinds(scope);
  return [
    '#!/bin/sh',
    `# ${MANAGED}`,
    `# Brings back the state that run ${scope.run} found on this host. What was saved is data, compared and passed on as words.`,
    'LC_ALL=C',
    'PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin',
    'export LC_ALL PATH',
    'umask 077',
    'set -f',
    "nl='\n'",
    `run=${shellQuote(scope.run)}`,
    `dir=${shellQuote(runFolder(scope.run, root))}`,
    'before=$dir/before work=$dir/work log=$dir/log',
    'unit=lvs-play-guard-$run.service',
    // Gone after a reboot, as its holder is.
    `lock=${root === HOST_STATE ? '/run' : shellQuote(root)}/lvs-play-undo.$run`,
    'problems=0 said= touched= conf=',
    '',
    LIBRARY,
    ...librariesOf(kinds.map(({ kind }) => kind.name)).flatMap((library) => ['', library]),
    '',
    GUARD_LIBRARY,
    ...kinds.flatMap(({ kind, keys }) => ['', `state_${kind.name}() {`, kind.state(keys), '}']),
    '',
    'all_states() {',
    ...kinds.map(({ kind }) => `state_${kind.name}`),
    ':',
    '}',
    '',
    'save() {',
    'mkdir -p "$before" "$work" || exit 1',
    'if [ ! -e "$before/conf" ]; then cat /etc/keepalived/keepalived.conf >"$before/conf" 2>/dev/null; fi',
    'load_saved',
    'found=$(all_states) || fail "the state cannot be read"',
    ...kinds.flatMap(({ kind, keys }) => (kind.save === undefined ? [] : [kind.save(keys)])),
    'cat "$before/state" >"$work/state" 2>/dev/null',
    'IFS=$nl',
    'for line in $found; do if fresh "${line%% *}"; then printf "%s\\n" "$line"; fi; done >>"$work/state" || fail "the state cannot be saved"',
    'unset IFS',
    'durable "$before"',
    'mv -f "$work/state" "$before/state" || exit 1',
    'durable "$dir"',
    'echo saved',
    '}',
    '',
    'note() {',
    'load_saved',
    'rm -rf "$dir/after.new" && mkdir -p "$dir/after.new" && all_states >"$dir/after.new/state" || exit 1',
    ...(has(kinds, 'package') ? ['if [ -e "$before/packages" ]; then packages >"$dir/after.new/packages"; fi'] : []),
    'durable "$dir/after.new"',
    'rm -rf "$dir/after" && mv "$dir/after.new" "$dir/after" || exit 1',
    'durable "$dir"',
    '}',
    '',
    'tell() {',
    'load_saved',
    'cat "$dir/keys.json"',
    "echo; echo '--- before'; cat \"$before/state\"",
    "echo '--- after'; cat \"$dir/after/state\" 2>/dev/null",
    "echo '--- now'; now=$(all_states); printf '%s\\n' \"$now\"; load now \"$now\"",
    "echo '--- packages'",
    ...(has(kinds, 'package') ? [TELL_PACKAGES] : []),
    "echo '--- texts'",
    ...(kinds.find(({ kind }) => kind.name === 'file')?.keys ?? []).map(({ id, key }) => `if differs ${String(id)}; then tell_text ${String(id)} ${shellQuote(key)}; fi`),
    ':',
    '}',
    '',
    TELL_TEXT,
    '',
    RESTORE_HEAD,
    ...PHASES.flatMap((phase) => [
      ...(phase === 'enable' ? ['if [ -n "$touched" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi'] : []),
      ...kinds.flatMap(({ kind, keys }) => {
        const fragment = kind.restore[phase]?.(keys);
        return fragment === undefined ? [] : [`look ${kind.name}`, fragment];
      }),
    ]),
    'load now "$(all_states)"',
    ...kinds.flatMap(({ kind, keys }) => keys.map((key) => kind.check?.(key) ?? `check ${String(key.id)} ${shellQuote(labelOf({ kind: kind.name, key: key.key }))}`)),
    RESTORE_TAIL,
    '',
    MAIN,
  ].join('\n');
}

/** A key in words: `file /etc/x`, `kernel modules`. */
function labelOf({ kind, key }: UndoKey): string {
  const whole: Partial<Record<KindName, string>> = { package: 'packages', module: 'kernel modules', firewall: 'firewall rules' };
  const words: Partial<Record<KindName, string>> = { tree: 'directory', parent: 'directory', address: key === '*' ? 'addresses' : 'addresses of', route: key === '6' ? 'IPv6 routes' : 'IPv4 routes' };
  if (kind === 'route' || (kind === 'address' && key === '*')) return words[kind] ?? kind;
  return whole[kind] ?? `${words[kind] ?? kind} ${key}`;
}

function presentKinds(scope: UndoScope): { kind: UndoKind; keys: Numbered[] }[] {
  const numberOf = new Map(scope.keys.flatMap(({ kind, key }, id) => (kind === 'file' ? [[key, id] as const] : [])));
  const unitFiles = new Map([...scope.unitFiles].map(([unit, files]) => [unit, files.flatMap((file) => numberOf.get(file) ?? [])]));
  return undoKinds(unitFiles).flatMap((kind) => {
    const keys = scope.keys.flatMap(({ kind: name, key }, id) => (name === kind.name ? [{ id, key }] : []));
    return keys.length === 0 ? [] : [{ kind, keys }];
  });
}

function has(kinds: readonly { kind: UndoKind }[], name: KindName): boolean {
  return kinds.some(({ kind }) => kind.name === name);
}

/** What came and went with the run, and since: `run+ NAME VERSION STATE`, `run-`, `since+`, `since-`. */
const TELL_PACKAGES = `if [ -e "$before/packages" ]; then
    mkdir -p "$work"
    packages >"$work/packages.now"
    after=$dir/after/packages
    [ -e "$after" ] || after=$work/packages.now
    grep -vxFf "$before/packages" "$after" | sed 's/^/run+ /'
    grep -vxFf "$after" "$before/packages" | sed 's/^/run- /'
    grep -vxFf "$after" "$work/packages.now" | sed 's/^/since+ /'
    grep -vxFf "$work/packages.now" "$after" | sed 's/^/since- /'
fi`;

/** Small files before and now, for a diff. */
const TELL_TEXT = `tell_text() {
    eval "was=\\$was_$1 now=\\$now_$1"
    case $was in file*) if [ "$(wc -c <"$before/file.$1")" -le 65536 ]; then echo "$1 was $(base64 <"$before/file.$1" | tr -d '\\n')"; fi ;; esac
    case $now in file*) if [ "$(wc -c <"$2")" -le 65536 ]; then echo "$1 now $(base64 <"$2" | tr -d '\\n')"; fi ;; esac
}`;

const RESTORE_HEAD = `restore() {
    [ -e "$before/state" ] || fail 'nothing is saved here'
    lock 900 || fail 'another restore is at work'
    if [ "$1" != rollback ]; then
        if [ -e "$dir/confirmed" ]; then unlock; echo confirmed; return; fi
        if [ -e "$dir/restored" ]; then cat "$dir/restored"; unlock; return; fi
    fi
    # It must not be cut short: neither by the end of the connection that it may cut itself, nor by a shutdown.
    trap '' HUP PIPE INT TERM
    mkdir -p "$work"
    : >"$log"
    load_saved`;

const RESTORE_TAIL = `    if [ "$problems" -eq 0 ]; then result=restored; else result=partly; fi
    printf '%s\\n' "$result $1 $(date +%s) $problems" \${said:+"$said"} >"$dir/restored.new"
    mv -f "$dir/restored.new" "$dir/restored"
    sync
    rm -rf "$work"
    if [ -e "$dir/armed" ]; then drop_guard "$1"; fi
    cat "$dir/restored"
    unlock
}`;

const MAIN = `case \${1-} in
    save) save ;;
    note) note ;;
    tell) tell ;;
    restore) restore "$2" ;;
    arm) arm "$2" ;;
    guard) guard ;;
    disarm) disarm ;;
    *) fail 'usage: save|note|tell|restore guard|revert|rollback|arm SECONDS|guard|disarm' ;;
esac
`;
