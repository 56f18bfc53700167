import { shellCommand, shellQuote } from '../core/text/quote.ts';
import { type LocalSockets, parseSockets, socketsScript } from '../lvs/drain/sockets.ts';
import { sharesOf } from '../lvs/drain/shares.ts';
import type { Topology } from '../lvs/model/topology.ts';
import { observe, type Reach } from '../observe/ask.ts';
import type { Missing, Observation } from '../observe/observation.ts';
import { judgeListeners } from './judge/listeners.ts';
import { type Answers, answersOf, judgeReturnPath, type Route, routeKey } from './judge/return-path.ts';
import { measuredAt, unknownCheck } from './report.ts';
import type { DirectorState, MeasuredCheck } from './types.ts';

/** A vantage, and its own address towards each virtual IP. */
export interface Client {
  readonly name: string;
  readonly sources: ReadonlyMap<string, string>;
}

export interface ServersQuestion {
  readonly topology: Topology;
  readonly target: Reach;
  readonly clients: readonly Client[];
  readonly states: Observation<DirectorState>;
}

/** What real servers say, and those that gave no answer. */
export interface JudgedServers {
  readonly checks: readonly MeasuredCheck[];
  readonly missing: readonly Missing[];
}

/** Asks every real server who listens there and which way its answers take, in one request each. One that gives no answer hides no other. */
export async function judgeServers({ topology, target, clients, states }: ServersQuestion): Promise<JudgedServers> {
  const asked = new Map([...topology.realServers.keys()].map((host) => [host, clients.map((client) => ({ client, answers: answersOf(topology, host, client.sources) }))]));
  const seen = await observe([...asked.keys()], target, (host) => ({ script: serverScript((asked.get(host) ?? []).flatMap((one) => one.answers)), read: readServer }));
  const directors = states.each((state) => state);
  const checks = seen.each(({ routes, sockets }, host) => {
    const silent = states.among(sharesOf(topology, host).flatMap(({ service }) => service.directors)).missing;
    const paths = (asked.get(host) ?? []).map(({ client, answers }) => {
      const check = judgeReturnPath(topology, host, client.name, answers, routes, directors);
      // The next hop may be an address of a director that gave no answer.
      const doubtful = check.verdict !== 'skip' && silent.length > 0 && answers.some((answer) => routes.get(routeKey(answer))?.via !== undefined);
      return doubtful ? { ...unknownCheck(check, silent), measured: check.measured } : check;
    });
    return measuredAt([judgeListeners(topology, host, sockets), ...paths], Date.now());
  }).flat();
  return { missing: seen.missing, checks: [...checks.filter(({ name }) => name === 'listener'), ...checks.filter(({ name }) => name !== 'listener')] };
}

/** @throws Error for what is not an answer */
function readServer(output: string): { readonly routes: ReadonlyMap<string, Route | undefined>; readonly sockets: readonly LocalSockets[] } {
  const { routes, sockets } = parseServer(output);
  return { routes, sockets: parseSockets(sockets) };
}

/** A source that the host does not have is refused: then the way without it is told, and that it is missing is for another check to say. */
function serverScript(answers: readonly Answers[]): string {
  const routes = [...new Map(answers.map((answer) => [routeKey(answer), answer])).values()].flatMap(({ client, source }) => [
    `echo ${shellQuote(`=== ${routeKey({ client, source })}`)}`,
    `${shellCommand(['ip', '-o', 'route', 'get', client, 'from', source])} 2>/dev/null || ${shellCommand(['ip', '-o', 'route', 'get', client])} 2>/dev/null`,
  ]);
  return [...routes, "echo '--- sockets'", socketsScript([], [])].join('\n');
}

/** Pure. */
export function parseServer(output: string): { readonly routes: ReadonlyMap<string, Route | undefined>; readonly sockets: string } {
  const [routes = '', sockets = ''] = output.split(/^--- sockets\n/m);
  const blocks = routes.split(/^=== /m).slice(1).map((block) => block.split('\n'));
  return { sockets, routes: new Map(blocks.map(([key = '', line = '']) => [key, parseRoute(line)])) };
}

function parseRoute(line: string): Route | undefined {
  const device = / dev (\S+)/.exec(line)?.[1];
  return device === undefined || /^(?:unreachable|prohibit|blackhole|throw)\b/.test(line) ? undefined : { via: / via (?:inet6? )?(\S+)/.exec(line)?.[1], device };
}
