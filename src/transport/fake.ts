import { LvsPlayError } from '../core/errors.ts';
import { connectionClosed } from './unreachable.ts';
import type { HostConnection, Connector, ShellReply, ShellRequest, Target } from './target.ts';

/** What a fake host answers: a whole reply, or only its stdout with exit code 0. */
export type FakeAnswer = ShellReply | string;
export type FakeHandler = (request: ShellRequest) => FakeAnswer | Promise<FakeAnswer>;

/** A Target for unit tests, with a look at what was asked. */
export interface FakeTarget extends Target {
  readonly requests: readonly ShellRequest[];
  readonly closed: boolean;
}

export function shellReply(stdout: string | Buffer, exitCode = 0, stderr: string | Buffer = ''): ShellReply {
  return { stdout: Buffer.from(stdout), stderr: Buffer.from(stderr), exitCode };
}

/**
 * A host that answers by a function. The function may throw LvsPlayErrors as a connection would. Statistics count as a real
 * target's do, with the scripts' bytes as payload and one connection from the first request on.
 */
export function fakeTarget(host: string, handler: FakeHandler): FakeTarget {
  const requests: ShellRequest[] = [];
  let closed = false;
  let bytesSent = 0;
  let bytesReceived = 0;
  return {
    host,
    requests,
    get closed() {
      return closed;
    },
    request: async (request) => {
      if (closed) throw connectionClosed(host);
      requests.push(request);
      bytesSent += Buffer.byteLength(request.script);
      const answer = await handler(request);
      const reply = typeof answer === 'string' ? shellReply(answer) : answer;
      bytesReceived += reply.stdout.length + reply.stderr.length;
      return reply;
    },
    stats: () => {
      const becomeRequests = requests.filter(({ become }) => become === true).length;
      return { connections: requests.length > 0 ? 1 : 0, requests: requests.length - becomeRequests, becomeRequests, bytesSent, bytesReceived };
    },
    reset: () => Promise.resolve(),
    close: () => {
      closed = true;
      return Promise.resolve();
    },
  };
}

/** A Connector over fake targets, by host name; a host without one is unreachable. */
export function fakeConnector(targets: readonly Target[]): Connector {
  const byHost = new Map(targets.map((target) => [target.host, target]));
  return {
    connect: ({ host }: HostConnection) => {
      const target = byHost.get(host);
      if (target === undefined) return Promise.reject(new LvsPlayError({ code: 'no-route', kind: 'unreachable', host, message: `no route to ${host}` }));
      return Promise.resolve(target);
    },
  };
}
