import http from 'node:http';
import type { ClientRequest } from '../verify/types.ts';
import type { HeldReport } from './types.ts';

/** For one answer over a connection that is held. */
const ANSWER_MS = 10_000;

/** Connections that are asked once at the beginning and once at the end, and kept open in between. */
export interface Held {
  /** Asks each again, and closes all. */
  end(): Promise<HeldReport>;
}

type HttpRequest = Extract<ClientRequest, { kind: 'http' }>;

/** Opens connections that each answer a first request. One that the server will not keep, by its own word, is not counted as opened. */
export async function holdOpen(request: HttpRequest, count: number): Promise<Held> {
  const all = await Promise.all(Array.from({ length: count }, async () => {
    // A pool of one connection that is never closed for being idle.
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1, keepAliveMsecs: 1000 });
    const first = await askOn(agent, request);
    return { agent, first };
  }));
  const opened = all.filter(({ first }) => first.fault === undefined && first.kept);
  return {
    end: async () => {
      const faults = await Promise.all(opened.map(async ({ agent, first }) => {
        const again = await askOn(agent, request);
        if (again.fault !== undefined) return again.fault;
        // The agent made a new one: the old one was closed meanwhile.
        return again.localPort === first.localPort ? undefined : 'closed meanwhile';
      }));
      for (const { agent } of all) agent.destroy();
      const lost = faults.filter((fault) => fault !== undefined);
      return { opened: opened.length, alive: opened.length - lost.length, faults: Object.fromEntries([...new Set(lost)].map((fault) => [fault, lost.filter((one) => one === fault).length])) };
    },
  };
}

interface Answer {
  readonly fault: string | undefined;
  readonly localPort: number | undefined;
  /** The server lets it stay open. */
  readonly kept: boolean;
}

function askOn(agent: http.Agent, request: HttpRequest): Promise<Answer> {
  return new Promise((resolve) => {
    let localPort: number | undefined;
    const done = (fault: string | undefined, kept = false): void => {
      clearTimeout(timer);
      if (fault !== undefined) client.destroy();
      resolve({ fault, localPort, kept });
    };
    const client = http.request({ host: request.address, port: request.port, path: request.path, agent, headers: { connection: 'keep-alive' } });
    const timer = setTimeout(() => done('no answer in time'), ANSWER_MS);
    client.on('socket', (socket) => {
      const note = (): void => void (localPort = socket.localPort);
      if (socket.connecting) socket.once('connect', note);
      else note();
    });
    client.on('response', (response) => {
      response.resume();
      response.on('end', () => done(response.complete ? undefined : 'the reply broke off', response.headers.connection !== 'close'));
      response.on('error', () => done('the reply broke off'));
    });
    client.on('error', (error: NodeJS.ErrnoException) => done(error.code === 'ECONNRESET' ? 'connection reset' : (error.code ?? error.message)));
    client.end();
  });
}
