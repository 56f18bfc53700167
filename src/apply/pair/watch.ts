import { shellQuote } from '../../core/text/quote.ts';
import { parseAddresses } from '../../lvs/host/addresses.ts';
import type { HolderLog } from '../../lvs/change/timeline.ts';
import { newNonce } from '../../plan/session.ts';
import type { Target } from '../../transport/target.ts';

/** A watch that nobody ends, as its controller died, ends by itself. */
const LIMIT_SECONDS = 300;

/** One director being watched. */
export interface Watch {
  readonly host: string;
  /** Addresses at the beginning, without prefix length. */
  readonly initial: ReadonlySet<string>;
  /** Ends it. Undefined: it could not be watched to the end. */
  end(): Promise<HolderLog | undefined>;
}

/**
 * Watches a director's addresses come and go, beside the steps in hand: one `ip monitor`, whose lines carry the kernel's moment. Its clock is compared with
 * the controller's by an exchange at the beginning. @param limitSeconds until it ends by itself. @returns undefined where it cannot be watched
 */
export async function startWatch(host: string, target: Target, limitSeconds = LIMIT_SECONDS): Promise<Watch | undefined> {
  const log = `/run/lvs-play-watch.${newNonce()}`;
  const ask = async (script: string): Promise<string | undefined> => {
    try {
      const reply = await target.request({ script, become: true, lane: 'side' });
      return reply.exitCode === 0 ? reply.stdout.toString('utf8') : undefined;
    } catch {
      return undefined;
    }
  };
  const sent = Date.now();
  const clock = await ask('date +%s%N');
  const received = Date.now();
  const started = await ask(beginScript(log, limitSeconds));
  const from = Date.now();
  if (clock === undefined || started === undefined) return undefined;
  const { offset, uncertainty } = clockOf(clock.trim(), sent, received);
  const initial = new Set(parseAddresses(started).map(({ address }) => address));
  return {
    host,
    initial,
    end: async () => {
      const text = await ask(endScript(log));
      if (text === undefined) return undefined;
      return { host, from, to: Date.now(), initial, events: parseMonitor(text, offset), uncertainty };
    },
  };
}

/** Tries of 0.05 s. */
const TRIES = 200;

/** It is sent changes of addresses, IPv4 and IPv6. */
const LISTENS = '$4 ~ /110$/';

/**
 * Starts the monitor, whose process number is the log's first line, waits until the kernel sends it the changes (a busy host takes its time to start one, and what
 * changes before would go unseen), and shows the addresses. What changes while they are shown is told twice, which does no harm.
 */
function beginScript(log: string, limitSeconds: number): string {
  const file = shellQuote(log);
  return [
    'umask 077',
    `TZ=UTC timeout ${String(limitSeconds)} sh -c 'echo $$; exec ip -ts -o monitor address' >${file} 2>/dev/null </dev/null &`,
    ...waitUntil(`read -r pid <${file} && ${netlinkRow(LISTENS)}`, 'kill $!; exit 1'),
    'ip -o addr show',
  ].join('\n');
}

/** Ends the monitor once it has written down all that it was sent, and gives its log. A host that was restarted has none any more, and its process numbers mean others. */
function endScript(log: string): string {
  const file = shellQuote(log);
  return [
    `read -r pid <${file} || exit 1`,
    ...waitUntil(`! ${netlinkRow(LISTENS)} || { ${netlinkRow('$5 == 0')} && grep -q ') S ' "/proc/$pid/stat"; }`, 'break'),
    // Where it ended by itself, its number may be another process's by now.
    `if ${netlinkRow(LISTENS)}; then kill "$pid"; fi 2>/dev/null`,
    `cat ${file}; rm -f ${file}`,
  ].join('\n');
}

/** Whether the monitor's row of /proc/net/netlink is so. Columns: sk, Eth (0: routing), Pid, Groups, Rmem (not read yet), ... */
function netlinkRow(condition: string): string {
  return `awk -v pid="$pid" '$2 == 0 && $3 == pid && ${condition} { found = 1 } END { exit !found }' /proc/net/netlink`;
}

function waitUntil(condition: string, otherwise: string): string[] {
  return ['tries=0', `until { ${condition}; } 2>/dev/null; do`, `  tries=$((tries + 1)); [ "$tries" -lt ${String(TRIES)} ] || { ${otherwise}; }`, '  sleep 0.05', 'done'];
}

/** How a host's clock differs from ours, from one exchange. Pure. @param told nanoseconds since the epoch; without `%N` seconds and a word */
export function clockOf(told: string, sent: number, received: number): { readonly offset: number; readonly uncertainty: number } {
  const half = (received - sent) / 2;
  // busybox without %N: whole seconds, the middle of which is taken.
  const precise = /^\d{17,}$/.test(told);
  const at = precise ? Number(told.slice(0, -6)) : Number.parseInt(told, 10) * 1000 + 500;
  return { offset: at - (sent + half), uncertainty: Math.ceil(half) + (precise ? 1 : 500) };
}

/** The lines of `ip -ts -o monitor address` as events, in the controller's time. What is no address is passed over. Pure. */
export function parseMonitor(text: string, offset: number): HolderLog['events'] {
  return text.split('\n').flatMap((line) => {
    const match = /^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+)\] (Deleted )?\d+: \S+\s+inet6? ([0-9a-f.:]+)/.exec(line);
    if (match === null) return [];
    return [{ at: Date.parse(`${match[1] ?? ''}Z`) - offset, address: match[3] ?? '', gained: match[2] === undefined }];
  });
}
