import { shellCommand } from '../../core/text/quote.ts';
import type { Target } from '../../transport/target.ts';
import { askArp } from './arp.ts';
import { askSources } from './sources.ts';
import type { ClientRequest, RequestFault, RequestSample, Vantage } from '../types.ts';

/** Seconds for a whole reply, and for a mere connection: curl waits all of it for a server that says nothing. */
const REPLY_SECONDS = 5;
const CONNECT_SECONDS = 1;

/** An inventory host outside the cluster as client, through its shell: curl, and arping where it is. */
export function hostVantage(name: string, target: Target): Vantage {
  return {
    name,
    sources: (addresses) => askSources(addresses, target),
    arp: (vip) => askArp(vip, name, target),
    requests: async (request, count, signal) => {
      signal.throwIfAborted();
      const reply = await target.request({ script: requestScript(request, count), timeoutMs: count * (REPLY_SECONDS + 1) * 1000 + 10_000 });
      if (reply.exitCode === 127) return { unseen: `curl is not installed on ${name}` };
      return { samples: parseSamples(reply.stdout.toString('utf8'), request.kind) };
    },
  };
}

/** `status bytes connections curl's-exit-code`, a line each. */
function requestScript(request: ClientRequest, count: number): string {
  const address = request.address.includes(':') ? `[${request.address}]` : request.address;
  const place = `${address}:${String(request.port)}`;
  // -g: brackets are no pattern; -k: whose certificate it is is not the question here.
  const what =
    request.kind === 'http'
      ? ['-m', String(REPLY_SECONDS), '-k', '-H', 'Connection: close', `${request.scheme}://${place}${request.path}`]
      : ['-m', String(CONNECT_SECONDS), `telnet://${place}`];
  const one = shellCommand(['curl', '-q', '-s', '-g', '-o', '/dev/null', '--noproxy', '*', '-w', '%{http_code} %{size_download} %{num_connects}', ...what]);
  return ['command -v curl >/dev/null 2>&1 || exit 127', 'i=0', `while [ $i -lt ${String(count)} ]; do ${one}; echo " $?"; i=$((i + 1)); done`].join('\n');
}

/** Pure. */
export function parseSamples(output: string, kind: ClientRequest['kind']): RequestSample[] {
  return output.split('\n').flatMap((line): RequestSample[] => {
    const [status, bytes, connects, exitCode] = line.trim().split(/\s+/).map(Number);
    if (status === undefined || bytes === undefined || connects === undefined || exitCode === undefined) return [];
    const connected = connects > 0;
    // Over telnet curl waits until its time is over, which is no fault once it is connected.
    if (kind === 'connect' && connected) return [{ status: 0, bytes, connected, fault: undefined }];
    return [{ status, bytes, connected, fault: faultOf(exitCode, bytes) }];
  });
}

/** curl(1), EXIT CODES. */
function faultOf(exitCode: number, bytes: number): RequestFault | undefined {
  if (exitCode === 0) return undefined;
  if (exitCode === 7) return { kind: 'refused', text: 'connection refused or no route' };
  if (exitCode === 28 && bytes === 0) return { kind: 'timeout', text: 'no answer in time' };
  if (exitCode === 28) return { kind: 'broken', text: 'the reply stalled' };
  if (exitCode === 18) return { kind: 'broken', text: 'the reply broke off' };
  if (exitCode === 52) return { kind: 'other', text: 'empty reply' };
  if (exitCode === 56) return { kind: bytes > 0 ? 'broken' : 'other', text: 'connection reset' };
  return { kind: 'other', text: `curl exit code ${String(exitCode)}` };
}
