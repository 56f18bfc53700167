import { masterDown } from '../../lvs/change/classify.ts';
import { checksOf, type HaPair, type HealthCheck, type RealServer, type Topology, type VirtualService } from '../../lvs/model/topology.ts';

/** Seconds, and where they come from. */
export interface Bound {
  readonly seconds: number;
  readonly words: string;
}

/** Where a service's packets end on a real server; a mark has no port of its own. */
export function portOn(service: VirtualService, server: RealServer): number {
  return server.port === 0 ? service.port : server.port;
}

/**
 * How long it takes a director at most to notice that a real server is gone: the fastest of its checks that can tell counts. Undefined: nothing notices. Pure.
 * @param fault `host`: it does not answer at all, each attempt takes its whole time-out; `port`: it refuses at once
 */
export function detection(service: VirtualService, server: RealServer, fault: 'host' | 'port', bfd: Topology['bfd'] = new Map()): Bound | undefined {
  if (service.manager === 'script') return undefined;
  const bounds = checksOf(service, server).flatMap((check) => (notices(check, service, server, fault) ? [timeOf(check, service, fault, bfd)] : []));
  return bounds.toSorted((a, b) => a.seconds - b.seconds)[0];
}

function notices(check: HealthCheck, service: VirtualService, server: RealServer, fault: 'host' | 'port'): boolean {
  const here = (address: string | undefined): boolean => address === undefined || address === server.address;
  switch (check.type) {
    case 'file':
      return false;
    case 'bfd':
      return fault === 'host';
    case 'ping':
      return fault === 'host' && here(check.host);
    case 'misc':
      // What a script looks at is its author's: it is taken at its word.
      return true;
    case 'udp':
      return here(check.address) && (fault === 'port' || check.requireReply);
    default:
      return here(check.address) && (fault === 'host' || (check.port ?? portOn(service, server)) === portOn(service, server));
  }
}

function timeOf(check: HealthCheck, service: VirtualService, fault: 'host' | 'port', bfd: Topology['bfd']): Bound {
  if (check.type === 'bfd') {
    const session = bfd.get(check.instance);
    const seconds = (Math.max(session?.minRx ?? 10, session?.minTx ?? 10) * (session?.multiplier ?? 5)) / 1000;
    return { seconds, words: `BFD ${check.instance}: ${number(seconds)} s` };
  }
  const interval = check.delayLoop ?? service.checkInterval;
  const attempt = check.type === 'misc' ? (check.timeout ?? interval) : fault === 'host' ? check.connectTimeout : 0;
  const seconds = interval + (check.retry + 1) * attempt + check.retry * check.delayBeforeRetry;
  const attempts = attempt === 0 ? '' : ` + ${String(check.retry + 1)} x ${number(attempt)} s`;
  const retries = check.retry === 0 ? '' : ` + ${String(check.retry)} x ${number(check.delayBeforeRetry)} s`;
  return { seconds, words: `${check.type} check: ${number(interval)} s${attempts}${retries}` };
}

/** How long it may take at most until a real server that is back passes a check again: the slowest of its checks counts. */
export function readmission(service: VirtualService): Bound {
  const times = service.realServers.flatMap((server) => checksOf(service, server)).map((check) => {
    const interval = check.delayLoop ?? service.checkInterval;
    // A check that was begun before the return has to run out first.
    return interval + (check.type === 'bfd' || check.type === 'file' ? 0 : check.connectTimeout);
  });
  const seconds = Math.max(0, ...times);
  return { seconds, words: `${number(seconds)} s until its health checks pass again` };
}

/** How long a pair is without a holder when the one it has falls silent (RFC 5798: three adverts and the skew of the next one). */
export function takeover(pair: HaPair, holder: string): Bound {
  const next = successor(pair, holder);
  const seconds = masterDown({ advertInterval: pair.advertInt * 1000, priority: next });
  return { seconds, words: `VRRP: ${number(seconds)} s after the last advert (priority ${String(next)})` };
}

/** The same when the holder says that it goes: only the skew of the next one. */
export function handover(pair: HaPair, holder: string): Bound {
  const next = successor(pair, holder);
  const skew = ((256 - next) / 256) * pair.advertInt;
  return { seconds: skew + 1, words: `VRRP: skew ${number(skew)} s (priority ${String(next)}), and 1 s to stop` };
}

function successor(pair: HaPair, holder: string): number {
  return Math.max(1, ...pair.members.filter(({ host }) => host !== holder).map(({ priority }) => priority));
}

/** `3.61`, `6`. */
export function number(seconds: number): string {
  return String(Math.round(seconds * 100) / 100);
}
