import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Target } from '../transport/target.ts';
import { askArp } from './vantage/arp.ts';
import { askSources } from './vantage/sources.ts';
import type { ClientRequest, RequestFault, RequestSample, Vantage } from './types.ts';

const REPLY_MS = 5000;

/**
 * The controller itself as client: requests by this process, ARP by its shell.
 * @param shell the controller's own shell (`ansible_connection: local`)
 */
export function controllerVantage(shell: Target): Vantage {
  const name = 'controller';
  return {
    name,
    sources: (addresses) => askSources(addresses, shell),
    arp: (vip) => askArp(vip, name, shell),
    requests: async (request, count, signal) => {
      const samples: RequestSample[] = [];
      for (let sent = 0; sent < count; sent++) {
        signal.throwIfAborted();
        samples.push(await (request.kind === 'http' ? requestOnce(request, REPLY_MS) : connectOnce(request.address, request.port, REPLY_MS)));
      }
      return { samples };
    },
  };
}

/** One GET over a connection of its own. Never rejects. */
export function requestOnce(request: Extract<ClientRequest, { kind: 'http' }>, timeoutMs: number): Promise<RequestSample> {
  return new Promise((resolve) => {
    let status = 0;
    let bytes = 0;
    let connected = false;
    const done = (fault: RequestFault | undefined): void => {
      clearTimeout(timer);
      client.destroy();
      resolve({ status, bytes, connected, fault });
    };
    const client = (request.scheme === 'https' ? https : http).request({
      host: request.address,
      port: request.port,
      path: request.path,
      // No agent: each request has a connection of its own, as each new client has.
      agent: false,
      headers: { connection: 'close' },
      // Whose certificate it is is not the question here.
      ...(request.scheme === 'https' ? { rejectUnauthorized: false } : {}),
    });
    // A bound for the whole request; node's own time-out only counts silence.
    const timer = setTimeout(() => done(bytes > 0 ? { kind: 'broken', text: 'the reply stalled' } : { kind: 'timeout', text: 'no answer in time' }), timeoutMs);
    client.on('socket', (socket) => socket.once('connect', () => (connected = true)));
    client.on('response', (response) => {
      status = response.statusCode ?? 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () => done(response.complete ? undefined : { kind: 'broken', text: 'the reply broke off' }));
      response.on('error', () => done({ kind: 'broken', text: 'the reply broke off' }));
    });
    client.on('error', (error: NodeJS.ErrnoException) => done(faultOf(error)));
    client.end();
  });
}

/** A connection, closed as soon as it is there. Never rejects. */
export function connectOnce(address: string, port: number, timeoutMs: number): Promise<RequestSample> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port });
    const done = (connected: boolean, fault: RequestFault | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ status: 0, bytes: 0, connected, fault });
    };
    const timer = setTimeout(() => done(false, { kind: 'timeout', text: 'no answer in time' }), timeoutMs);
    socket.once('connect', () => {
      // An orderly end, not a reset: the director must see the connection closed.
      socket.end(() => done(true, undefined));
    });
    socket.once('error', (error: NodeJS.ErrnoException) => done(false, faultOf(error)));
  });
}

function faultOf(error: NodeJS.ErrnoException): RequestFault {
  if (error.code === 'ECONNREFUSED' || error.code === 'EHOSTUNREACH' || error.code === 'ENETUNREACH') return { kind: 'refused', text: 'connection refused or no route' };
  if (error.code === 'ETIMEDOUT') return { kind: 'timeout', text: 'no answer in time' };
  if (error.code === 'ECONNRESET') return { kind: 'other', text: 'connection reset' };
  return { kind: 'other', text: error.code ?? error.message };
}
