import { LvsPlayError, messageOf } from '../core/errors.ts';
import { shellCommand, shellQuote } from '../core/text/quote.ts';
import { parseSockets, socketsScript } from '../lvs/drain/sockets.ts';
import type { Topology } from '../lvs/model/topology.ts';
import type { Target } from '../transport/target.ts';
import { judgeListeners } from './judge/listeners.ts';
import { type Answers, answersOf, judgeReturnPath, type Route, routeKey } from './judge/return-path.ts';
import { measuredAt } from './report.ts';
import type { Check, DirectorState, MeasuredCheck } from './types.ts';

/** A vantage, and its own address towards each virtual IP. */
export interface Client {
  readonly name: string;
  readonly sources: ReadonlyMap<string, string>;
}

export interface ServersQuestion {
  readonly topology: Topology;
  readonly target: (host: string) => Promise<Target>;
  readonly clients: readonly Client[];
  readonly states: readonly DirectorState[];
}

/** Asks every real server who listens there and which way its answers take, in one request each. One that cannot be asked is told, and hides no other. */
export async function judgeServers({ topology, target, clients, states }: ServersQuestion): Promise<MeasuredCheck[]> {
  const all = await Promise.all(
    [...topology.realServers.keys()].map(async (host) => {
      const answers = clients.map((client) => ({ client, answers: answersOf(topology, host, client.sources) }));
      const script = serverScript(answers.flatMap((one) => one.answers));
      try {
        const reply = await (await target(host)).request({ script, become: true });
        if (reply.exitCode !== 0) throw new Error(reply.stderr.toString('utf8').trim().split('\n')[0]);
        const { routes, sockets } = parseServer(reply.stdout.toString('utf8'));
        const paths = answers.map((one) => judgeReturnPath(topology, host, one.client.name, one.answers, routes, states));
        return measuredAt([judgeListeners(topology, host, parseSockets(sockets)), ...paths], Date.now());
      } catch (error) {
        if (error instanceof LvsPlayError && error.code.startsWith('host-key')) throw error;
        const unasked = { subject: host, verdict: 'skip', measured: 'not measured', reason: messageOf(error) } as const;
        const paths = clients.map(({ name }): Check => ({ ...unasked, name: 'return-path', from: name, expected: 'answers find back' }));
        return measuredAt([{ ...unasked, name: 'listener', expected: 'each service is listened to' }, ...paths], Date.now());
      }
    }),
  );
  const checks = all.flat();
  return [...checks.filter(({ name }) => name === 'listener'), ...checks.filter(({ name }) => name !== 'listener')];
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
