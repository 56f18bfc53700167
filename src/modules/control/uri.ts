import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { shellCommand } from '../../core/text/quote.ts';
import { type Args, defineModule, type Step, type StepOutcome } from '../contract.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  properties: {
    url: { type: 'string', pattern: '^https?://', description: 'What to ask for.' },
    method: { enum: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'], description: 'Default GET.' },
    headers: { type: 'object', additionalProperties: { type: 'string' }, description: 'Header fields.' },
    body: { type: 'string', description: 'What to send.' },
    status_code: {
      anyOf: [{ type: 'integer' }, { type: 'array', items: { type: 'integer' }, minItems: 1 }],
      description: 'Any other status is a failure. Default 200.',
    },
    return_content: { type: 'boolean', description: 'Keep the reply as content. Default false.' },
    timeout: { type: 'number', minimum: 0.1, maximum: 3600, description: 'Seconds. Default 30.' },
    validate_certs: { type: 'boolean', description: 'Default true.' },
  },
} as const;

type UriArgs = Args<typeof schema>;

/** Ends the reply and begins what curl says of it. */
const STATUS = '\n--- status ';

export default defineModule<UriArgs>({
  name: 'uri',
  summary: 'Ask for a URL and check the status; on localhost from the controller, elsewhere from the host (curl)',
  schema,
  notState: Object.keys(schema.properties),
  examples: [
    { name: 'The page is there', args: { url: 'http://192.168.0.38/', return_content: true } },
    { name: 'A health endpoint', args: { url: 'http://127.0.0.1:8080/health', status_code: [200, 204], timeout: 5 } },
  ],
  action: true,
  facts: () => [],
  diff: () => [],
  apply: (args, _changes, _facts, context): Step[] => {
    const title = `${args.method ?? 'GET'} ${args.url}`;
    if (context.onController) return [{ kind: 'control', title, stale: [], run: (signal) => askHere(args, signal) }];
    return [{ kind: 'script', title, script: curlScript(args), timeoutMs: ((args.timeout ?? 30) + 30) * 1000, stale: [] }];
  },
  after: () => [],
  result: (args, outcomes) => {
    const text = outcomes[0]?.stdout ?? '';
    const at = text.lastIndexOf(STATUS);
    const status = at < 0 ? 0 : Number(text.slice(at + STATUS.length));
    const content = at < 0 ? '' : text.slice(0, at);
    const wanted = [args.status_code ?? 200].flat();
    const data = { status, url: args.url, ...(args.return_content === true ? { content } : {}) };
    if (outcomes[0] === undefined || outcomes[0].exitCode !== 0 || wanted.includes(status)) return { data };
    return { data, failed: `${args.url} answered ${String(status)}, not ${wanted.join(' or ')}` };
  },
});

function curlScript(args: UriArgs): string {
  // Headers and body may hold secrets, and an argv is seen by every user of the host: they go in as a configuration on stdin.
  const config = [
    `url = ${curlQuote(args.url)}`,
    `request = ${curlQuote(args.method ?? 'GET')}`,
    ...Object.entries(args.headers ?? {}).map(([name, value]) => `header = ${curlQuote(`${name}: ${value}`)}`),
    ...(args.body === undefined ? [] : [`data-raw = ${curlQuote(args.body)}`]),
    ...(args.method === 'HEAD' ? ['head'] : []),
    ...(args.validate_certs === false ? ['insecure'] : []),
    `max-time = ${String(args.timeout ?? 30)}`,
    // Braces and brackets are part of the URL, as for the controller.
    'globoff',
    'silent',
    'show-error',
    `write-out = ${curlQuote(`${STATUS}%{http_code}`)}`,
  ];
  return [
    "command -v curl >/dev/null 2>&1 || { echo 'curl is not installed here; delegate_to: localhost asks from the controller' >&2; exit 2; }",
    `${shellCommand(['printf', '%s\\n', ...config])} | curl -K -`,
  ].join('\n');
}

function curlQuote(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}"`;
}

function askHere(args: UriArgs, signal: AbortSignal): Promise<StepOutcome> {
  const send = args.url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const fail = (error: Error): void => {
      resolve({ exitCode: 1, stdout: '', stderr: error.message });
    };
    const options = {
      method: args.method ?? 'GET',
      headers: args.headers ?? {},
      agent: false,
      signal: AbortSignal.any([signal, AbortSignal.timeout((args.timeout ?? 30) * 1000)]),
      rejectUnauthorized: args.validate_certs !== false,
    } as const;
    const request = send(args.url, options, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('error', fail);
      reply.on('end', () => {
        resolve({ exitCode: 0, stdout: `${Buffer.concat(chunks).toString('utf8')}${STATUS}${String(reply.statusCode ?? 0)}`, stderr: '' });
      });
    });
    request.on('error', fail);
    request.end(args.body);
  });
}
