import { HOST_STATE, runFolder } from '../core/host-state.ts';
import { LvsPlayError } from '../core/errors.ts';
import { shellQuote } from '../core/text/quote.ts';
import type { Target } from '../transport/target.ts';
import { renderUndoScript, type UndoScope } from './script/script.ts';

/** Packages may have to be installed again, over a slow line. */
export const RESTORE_TIMEOUT_MS = 20 * 60_000;
const SAVE_TIMEOUT_MS = 5 * 60_000;
/** The newest runs whose saved states a host keeps. */
const KEPT_RUNS = 20;

/** What lies beside the saved values on a host, for whoever brings them back. */
export interface UndoRecord {
  readonly version: 1;
  readonly run: string;
  /** The host's name in the inventory. */
  readonly host: string;
  /** All hosts of the run that were to be changed. */
  readonly hosts: readonly string[];
  readonly keys: readonly { readonly kind: string; readonly key: string }[];
  /** Paths that units read, by unit. */
  readonly unitFiles: Readonly<Record<string, readonly string[]>>;
  /** Names of tasks whose doing cannot be undone. */
  readonly commands: readonly string[];
}

/** How a restore ended, as the host told. */
export interface Restored {
  readonly result: 'restored' | 'partly';
  /** `guard`, `revert`, `rollback`. */
  readonly by: string;
  /** Seconds since the epoch, by the host's clock. */
  readonly at: number;
  readonly problems: readonly string[];
}

/** One sh (which prints `unprivileged` for anybody but root, and `other-name NAME` where the run has saved this machine under another name) that leaves the script and its record on the host and saves; with `armSeconds` it also arms the guard. Pure. @param end a line that is in neither, for here-documents */
export function saveScript(scope: UndoScope, record: UndoRecord, end: string, armSeconds: number | undefined, root = HOST_STATE): string {
  const dir = shellQuote(runFolder(scope.run, root));
  return [
    '[ "$(id -u)" = 0 ] || { echo unprivileged; exit 0; }',
    'umask 077',
    `mkdir -p ${dir} && chmod 0700 ${shellQuote(root)} ${shellQuote(`${root}/runs`)} ${dir} || exit 1`,
    `( set -C; printf '%s\\n' ${shellQuote(record.host)} >${dir}/host ) 2>/dev/null`,
    `if [ "$(cat ${dir}/host)" != ${shellQuote(record.host)} ]; then echo "other-name $(cat ${dir}/host)"; exit 0; fi`,
    `cat >${dir}/keys.json <<'${end}' || exit 1`,
    JSON.stringify(record),
    end,
    `cat >${dir}/undo.new <<'${end}' || exit 1`,
    renderUndoScript(scope, root),
    end,
    `mv -f ${dir}/undo.new ${dir}/undo || exit 1`,
    `sh ${dir}/undo save || exit 1`,
    ...(armSeconds === undefined ? [] : [`sh ${dir}/undo arm ${String(armSeconds)} || exit 1`]),
  ].join('\n');
}

/** Notes the state at the run's end, and forgets the oldest saved states, but none that is armed. Pure. */
export function noteScript(run: string, root = HOST_STATE): string {
  const dir = shellQuote(runFolder(run, root));
  return [
    `[ -e ${dir}/undo ] || exit 0`,
    `sh ${dir}/undo note || exit 1`,
    // Names sort by time.
    'set --',
    `for saved in ${shellQuote(`${root}/runs`)}/*/undo; do set -- "$@" "\${saved%/undo}"; done`,
    `while [ $# -gt ${String(KEPT_RUNS)} ]; do`,
    '    if [ ! -e "$1/armed" ]; then',
    '        rm -rf "$1/before" "$1/after" "$1/undo" "$1/keys.json" "$1/host" "$1/log" "$1/restored" "$1/confirmed"',
    '        rmdir "$1" 2>/dev/null',
    '    fi',
    '    shift',
    'done',
    ':',
  ].join('\n');
}

/** Runs a verb of the script of a run. Pure. */
export function verbScript(run: string, words: string, root = HOST_STATE): string {
  const script = shellQuote(`${runFolder(run, root)}/undo`);
  return `if [ -e ${script} ]; then sh ${script} ${words}; else echo absent; fi`;
}

/** @throws LvsPlayError kind `host`, code `undo-not-saved` */
export async function askSave(target: Target, script: string, become: boolean): Promise<string> {
  const reply = await target.request({ script, become, timeoutMs: SAVE_TIMEOUT_MS });
  const said = reply.stdout.toString('utf8');
  if (reply.exitCode === 0 && /^(?:saved|unprivileged|other-name .*)$/m.test(said)) return said;
  const [why = `exit code ${String(reply.exitCode)}`] = reply.stderr.toString('utf8').trim().split('\n').filter((line) => line !== '');
  throw new LvsPlayError({
    code: 'undo-not-saved',
    kind: 'host',
    host: target.host,
    message: `${target.host}: its state cannot be saved: ${why}`,
    hint: 'there must be room below /var/lib, and the user must be root or become it',
  });
}

/** Reads what `restore` and `disarm` print. Undefined: nothing was restored. */
export function parseRestored(text: string): Restored | undefined {
  const [, result, by = '', at = ''] = /^(restored|partly) (\S+) (\d+)/m.exec(text) ?? [];
  if (result !== 'restored' && result !== 'partly') return undefined;
  return { result, by, at: Number(at), problems: [...text.matchAll(/^problem (.*)$/gm)].map(([, problem = '']) => problem) };
}
