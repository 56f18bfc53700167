import { LvsPlayError } from '../../core/errors.ts';
import type { DrillKind, DrillMeans } from '../../failover/drill.ts';
import { Lab } from '../../lab/lab.ts';
import type { Target } from '../../transport/target.ts';

/** After so many seconds keepalived starts again by itself, whatever has become of this process. */
const GUARD_SECONDS = 180;
const GUARD = 'lvs-play-drill';

/** keepalived's end on a real host, with a timer there that starts it again. */
function unitMeans(kind: 'crash' | 'stop', target: (host: string) => Promise<Target>): DrillMeans {
  const run = async (host: string, lines: readonly string[]): Promise<void> => {
    const reply = await (await target(host)).request({ script: ['set -e', ...lines].join('\n'), become: true });
    if (reply.exitCode !== 0) throw new LvsPlayError({ code: 'drill-failed', kind: 'host', host, message: `${host}: ${reply.stderr.toString('utf8').trim().split('\n')[0] ?? 'the drill could not be played'}` });
  };
  const end = kind === 'stop' ? 'systemctl stop keepalived.service' : 'systemctl kill --signal=KILL keepalived.service';
  return {
    kind,
    words: (host) => (kind === 'stop' ? `keepalived is stopped on ${host}` : `keepalived is killed on ${host}, which goes on holding the virtual IPs`),
    harm: (host) => run(host, [`systemctl stop ${GUARD}.timer 2>/dev/null || :`, `systemd-run --quiet --collect --unit=${GUARD} --on-active=${String(GUARD_SECONDS)} --timer-property=AccuracySec=1s systemctl restart keepalived.service`, end]),
    mend: (host) => run(host, [`systemctl stop ${GUARD}.timer 2>/dev/null || :`, 'systemctl reset-failed keepalived.service 2>/dev/null || :', 'systemctl start keepalived.service']),
    unreachable: false,
    letsGo: kind === 'stop',
  };
}

/** In a lab harm is real: the node's power is cut, its cables are pulled. @param name of the lab */
export async function labMeans(kind: DrillKind, name: string, target: (host: string) => Promise<Target>): Promise<DrillMeans> {
  if (kind === 'stop') return unitMeans(kind, target);
  const lab = await Lab.open({ name });
  // What was open to it is of no use any more.
  const anew = async (host: string): Promise<void> => { await (await target(host)).reset(); };
  if (kind === 'crash') {
    return {
      kind,
      words: (host) => `the power of ${host} is cut`,
      harm: (host) => lab.crash(host),
      mend: async (host) => {
        await lab.boot(host);
        await anew(host);
      },
      unreachable: true,
      letsGo: false,
    };
  }
  return { kind, words: (host) => `the network cables of ${host} are pulled`, harm: (host) => lab.cut(host), mend: (host) => lab.heal(host), unreachable: true, letsGo: false };
}

/** What a drill does to a real cluster, and the question whether that is meant. */
export interface LiveDrill {
  readonly means: DrillMeans;
  /** What will be, in a sentence. */
  readonly warning: string;
  /** A question at the terminal will do; otherwise only --yes. */
  readonly askable: boolean;
}

/** @throws LvsPlayError kind `usage` for what is played in a lab only */
export function liveDrill(kind: DrillKind, pair: string, target: (host: string) => Promise<Target>): LiveDrill {
  if (kind === 'isolate') {
    throw new LvsPlayError({
      code: 'drill-in-lab-only',
      kind: 'usage',
      message: `--drill isolate is not played on a real cluster: a director whose adverts are dropped goes on holding the virtual IPs of ${pair}, the other takes them as well, and both answer clients`,
      hint: 'play it in a lab: lvs-play lab up -i INVENTORY, then the same command with the inventory that it prints',
    });
  }
  if (kind === 'stop') {
    return { means: unitMeans(kind, target), askable: true, warning: `keepalived is stopped on the director that holds ${pair}, in order, and started again; connections that are not synchronised are cut` };
  }
  return {
    means: unitMeans(kind, target),
    askable: false,
    warning: `keepalived is killed (SIGKILL) on the director that holds ${pair}: it cannot give the virtual IPs away, so that the other director takes them while this one still has them, and both answer ARP until keepalived is started again; clients may reach either, and connections may be cut`,
  };
}
