import { LvsPlayError, messageOf } from '../core/errors.ts';
import { shellQuote } from '../core/text/quote.ts';
import type { RebootStep, StepOutcome } from '../modules/contract.ts';
import type { Target } from '../transport/target.ts';

const POLL_MS = 1000;
/** A host that is going down may accept a connection and then say no more. */
const ANSWER_MS = 20_000;

/** What the host is asked until it is up: the boot it is in, and what systemd says of it. */
const ASK = 'cat /proc/sys/kernel/random/boot_id; if [ -d /run/systemd/system ]; then systemctl is-system-running; fi; :';

/**
 * Restarts a host and waits until it answers from another boot, with nothing left to start. Uses the target's own connection, which goes and comes back.
 * @throws LvsPlayError kind `unreachable`: it did not come back in time, or as another machine
 */
export async function rebootHost(target: Target, step: RebootStep, become: boolean, sleep: (milliseconds: number) => Promise<void>): Promise<StepOutcome> {
  const begun = performance.now();
  // The answer has to get through before the connection ends.
  const command = `if command -v shutdown >/dev/null; then shutdown -r now ${shellQuote(step.message)}; else reboot; fi`;
  const asked = await target.request({ script: `[ "$(id -u)" -eq 0 ] || { echo 'only root may restart the host' >&2; exit 1; }\n( sleep 1; ${command} ) </dev/null >/dev/null 2>&1 &`, become });
  if (asked.exitCode !== 0) return { exitCode: asked.exitCode, stdout: asked.stdout.toString('utf8'), stderr: asked.stderr.toString('utf8') };
  let last = 'it has not gone down';
  for (;;) {
    await sleep(POLL_MS);
    await target.reset();
    try {
      const reply = await target.request({ script: ASK, become, timeoutMs: ANSWER_MS });
      const [boot = '', state = ''] = reply.stdout.toString('utf8').trim().split('\n');
      const up = boot !== '' && boot !== step.bootId;
      if (up && state !== 'initializing' && state !== 'starting') return { exitCode: 0, stdout: `up again after ${String(Math.round((performance.now() - begun) / 1000))} s${state === 'degraded' ? ', with units that failed' : ''}`, stderr: '' };
      last = up ? `systemd is ${state}` : 'it has not gone down';
    } catch (error) {
      // Another key than the one that is known is no matter of time.
      if (error instanceof LvsPlayError && error.code.startsWith('host-key')) throw error;
      last = messageOf(error);
    }
    if (performance.now() - begun > step.timeoutMs) throw notBack(target.host, step, last);
  }
}

function notBack(host: string, { timeoutMs }: RebootStep, last: string): LvsPlayError {
  return new LvsPlayError({ code: 'reboot-timeout', kind: 'unreachable', host, message: `${host} was told to restart and is not up after ${String(timeoutMs / 1000)} s: ${last}`, hint: 'look at its console; reboot_timeout gives it longer' });
}
