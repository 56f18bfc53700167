import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { LvsPlayError } from '../../core/errors.ts';
import { shellQuote } from '../../core/text/quote.ts';
import { type Args, defineModule, type Step, type StepOutcome } from '../contract.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    host: { type: 'string', minLength: 1, description: 'Default 127.0.0.1.' },
    port: { type: 'integer', minimum: 1, maximum: 65_535, description: 'A TCP port.' },
    path: { type: 'string', pattern: '^/', description: 'A path on the host.' },
    state: { enum: ['started', 'stopped', 'present', 'absent'], description: 'started: the port is open or the path there; stopped and absent: not. Default started.' },
    timeout: { type: 'number', minimum: 0, maximum: 86_400, description: 'Seconds until it fails. Default 300.' },
    delay: { type: 'number', minimum: 0, description: 'Seconds before the first look. Default 0.' },
    sleep: { type: 'number', minimum: 0.1, description: 'Seconds between looks. Default 1.' },
  },
} as const;

type WaitArgs = Args<typeof schema>;

export default defineModule<WaitArgs>({
  name: 'wait_for',
  summary: 'Wait until a port is open or closed, or a path there or gone',
  schema,
  notState: ['host', 'port', 'path', 'state', 'timeout', 'delay', 'sleep'],
  examples: [
    { name: 'nginx listens', args: { port: 80, timeout: 30 } },
    { name: 'The lock is gone', args: { path: '/run/lock/job', state: 'absent' } },
  ],
  action: true,
  facts: (args) => {
    if ((args.port === undefined) === (args.path === undefined)) {
      throw new LvsPlayError({ code: 'bad-argument', kind: 'input', message: 'wait_for takes either port or path', hint: 'give one of the two' });
    }
    return [];
  },
  diff: () => [],
  apply: (args, _changes, _facts, context): Step[] => {
    const title = `wait for ${args.path ?? `${args.host ?? '127.0.0.1'}:${String(args.port ?? 0)}`}`;
    if (context.onController && args.port !== undefined) return [{ kind: 'control', title, stale: [], run: (signal) => waitHere(args, signal) }];
    return [{ kind: 'script', title, script: waitScript(args), timeoutMs: (secondsOf(args) + (args.delay ?? 0) + 30) * 1000, stale: [] }];
  },
  after: () => [],
});

function secondsOf(args: WaitArgs): number {
  return args.timeout ?? 300;
}

function wantsOpen(args: WaitArgs): boolean {
  return args.state !== 'stopped' && args.state !== 'absent';
}

function waitScript(args: WaitArgs): string {
  const look = args.path === undefined ? portTest(args.host ?? '127.0.0.1', args.port ?? 0) : `[ -e ${shellQuote(args.path)} ]`;
  const sleep = args.sleep ?? 1;
  return [
    `look() { ${look}\n}`,
    ...(args.delay === undefined || args.delay === 0 ? [] : [`sleep ${String(args.delay)}`]),
    // A look may take seconds itself, so that counting sleeps is no clock.
    'now() { read -r up _ </proc/uptime; up=${up%.*}; }',
    'now',
    `end=$((up + ${String(Math.ceil(secondsOf(args)))}))`,
    'while :; do',
    wantsOpen(args) ? '  if look; then exit 0; fi' : '  if ! look; then exit 0; fi',
    `  now; if [ "$up" -ge "$end" ]; then echo ${shellQuote(`not so after ${String(secondsOf(args))} s`)} >&2; exit 1; fi`,
    `  sleep ${String(sleep)}`,
    'done',
  ].join('\n');
}

/** Whether somebody listens. A local port is looked up in the kernel's list without connecting: a service is not disturbed by it. */
function portTest(host: string, port: number): string {
  if (host === '127.0.0.1' || host === 'localhost' || host === '::1') {
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    // Column 2 is the local address, column 4 the state: 0A is LISTEN (proc(5)).
    return `while read -r _ local _ state _; do case "$local $state" in *:${hex}" 0A") return 0;; esac; done <<LIST
$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
LIST
return 1`;
  }
  const at = shellQuote(host);
  return [
    'if command -v nc >/dev/null 2>&1; then',
    `nc -z -w 3 ${at} ${String(port)} >/dev/null 2>&1`,
    'elif command -v curl >/dev/null 2>&1; then',
    // A server that is open and silent ends in a time-out as well as one that drops packets: only the count of connections tells them apart.
    `[ "$(curl -s -o /dev/null -m 3 -w '%{num_connects}' ${shellQuote(`telnet://${host.includes(':') ? `[${host}]` : host}:${String(port)}`)} </dev/null 2>/dev/null)" = 1 ]`,
    "else echo 'neither nc nor curl is there to look at another host; delegate_to: localhost looks from the controller' >&2; exit 2; fi",
  ].join('\n');
}

async function waitHere(args: WaitArgs, signal: AbortSignal): Promise<StepOutcome> {
  const deadline = Date.now() + secondsOf(args) * 1000;
  await delay((args.delay ?? 0) * 1000, undefined, { signal }).catch(() => undefined);
  for (;;) {
    if ((await opens(args.host ?? '127.0.0.1', args.port ?? 0)) === wantsOpen(args)) return { exitCode: 0, stdout: '', stderr: '' };
    if (Date.now() >= deadline || signal.aborted) return { exitCode: 1, stdout: '', stderr: `not so after ${String(secondsOf(args))} s` };
    await delay((args.sleep ?? 1) * 1000, undefined, { signal }).catch(() => undefined);
  }
}

function opens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 3000 });
    const done = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.on('connect', () => {
      done(true);
    });
    socket.on('timeout', () => {
      done(false);
    });
    socket.on('error', () => {
      done(false);
    });
  });
}
