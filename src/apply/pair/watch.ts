import { shellQuote } from '../../core/quote.ts';
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
  const started = await ask(
    [
      'umask 077',
      `TZ=UTC timeout ${String(limitSeconds)} ip -ts -o monitor address >${shellQuote(log)} 2>/dev/null </dev/null &`,
      'echo $!',
      // What was there when it began to listen: changed in between, it is told twice, which does no harm.
      'ip -o addr show',
    ].join('\n'),
  );
  if (clock === undefined || started === undefined) return undefined;
  const [pid = '', ...shown] = started.split('\n');
  const { offset, uncertainty } = clockOf(clock.trim(), sent, received);
  const initial = new Set(parseAddresses(shown.join('\n')).map(({ address }) => address));
  return {
    host,
    initial,
    end: async () => {
      // A host that was restarted has no log any more, and its process numbers mean others.
      const text = await ask(`[ -e ${shellQuote(log)} ] || exit 1; kill ${shellQuote(pid)} 2>/dev/null; cat ${shellQuote(log)}; rm -f ${shellQuote(log)}`);
      if (text === undefined) return undefined;
      return { host, from: received, to: Date.now(), initial, events: parseMonitor(text, offset), uncertainty };
    },
  };
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
