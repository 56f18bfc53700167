import type { Json, JsonObject } from '../../core/json.ts';
import type { ConfNode } from '../../lvs/keepalived/conf/tree.ts';
import type { Block } from './block.ts';
import { given, scriptWords } from './values.ts';

/** What a virtual_server sets for all checks. */
export interface CheckDefaults {
  readonly connectTimeout: number | undefined;
  readonly retry: number | undefined;
  readonly delayBeforeRetry: number | undefined;
  readonly warmup: number | undefined;
}

interface Context {
  /** The real server's. */
  readonly port: number;
  readonly defaults: CheckDefaults;
}

/** keepalived's block -> our type, and its own default of `retry` (keepalived.conf(5)). */
const CHECKS: Readonly<Record<string, { readonly type: string; readonly retry: number }>> = {
  TCP_CHECK: { type: 'tcp', retry: 1 },
  HTTP_GET: { type: 'http', retry: 1 },
  SSL_GET: { type: 'ssl', retry: 1 },
  SMTP_CHECK: { type: 'smtp', retry: 1 },
  DNS_CHECK: { type: 'dns', retry: 3 },
  PING_CHECK: { type: 'ping', retry: 1 },
  UDP_CHECK: { type: 'udp', retry: 1 },
  MISC_CHECK: { type: 'misc', retry: 0 },
  FILE_CHECK: { type: 'file', retry: 0 },
  BFD_CHECK: { type: 'bfd', retry: 0 },
};

/** The checks of a real server: one, several, or none. */
export function readChecks(server: Block, context: Context): Json {
  const found = server.all(...Object.keys(CHECKS)).flatMap((node): JsonObject[] => {
    const kind = CHECKS[node.words[0] ?? ''];
    return kind === undefined ? [] : [readCheck(server.within(node), node, kind, context)];
  });
  const [only] = found;
  return only === undefined ? { type: 'none' } : found.length === 1 ? only : found;
}

function readCheck(block: Block, node: ConfNode, { type, retry }: { type: string; retry: number }, context: Context): JsonObject {
  const check = given({ type, ...(type === 'file' || type === 'bfd' ? {} : timing(block, type, retry, context)), ...ownKeys(block, type) });
  block.end();
  block.understood(node, `a health check of type ${type}`);
  return check;
}

function timing(block: Block, type: string, retry: number, { defaults, port }: Context): Record<string, Json | undefined> {
  const web = type === 'http' || type === 'ssl';
  const misplaced = web ? undefined : block.node('nb_get_retry');
  const meant = misplaced === undefined ? undefined : Number(misplaced.words[1]);
  if (misplaced !== undefined) {
    block.bug(misplaced, 'nb-get-retry', `keepalived does not know it in this check and ignores it: the keyword is retry. The inventory has retry: ${String(meant)}, as it was meant, instead of keepalived's default ${String(retry)}`);
  }
  const connect = block.number('connect_timeout') ?? defaults.connectTimeout;
  return {
    // keepalived's default is 5 seconds.
    connect_timeout: type === 'misc' ? undefined : (connect ?? 5),
    retry: block.number(...(web ? ['retry', 'nb_get_retry'] : ['retry'])) ?? meant ?? defaults.retry ?? retry,
    delay_before_retry: block.number('delay_before_retry') ?? defaults.delayBeforeRetry ?? 1,
    interval: block.number('delay_loop'),
    warmup: block.number('warmup') ?? defaults.warmup,
    ...(type === 'misc' ? {} : place(block, type, port)),
  };
}

/** A port that is the real server's own is not written. */
function place(block: Block, type: string, own: number): Record<string, Json | undefined> {
  const port = type === 'ping' ? undefined : block.number('connect_port');
  return { address: block.text('connect_ip'), port: port === own ? undefined : port };
}

function ownKeys(block: Block, type: string): Record<string, Json | undefined> {
  switch (type) {
    case 'http':
    case 'ssl': {
      const urls = block.all('url').map((node) => readUrl(block.within(node)));
      const [only] = urls;
      return { ...(urls.length === 1 ? only : urls.length === 0 ? {} : { urls }), virtual_host: block.text('virtualhost'), http_version: block.text('http_protocol') };
    }
    case 'smtp':
      return { helo_name: block.text('helo_name') };
    case 'dns':
      return { record_type: block.text('type'), name: block.text('name') };
    case 'udp': {
      const payload = block.text('payload');
      return { payload: payload === undefined ? undefined : Buffer.from(payload.replaceAll(/\s/g, ''), 'hex').toString('utf8'), require_reply: block.flag('require_reply') ? true : undefined };
    }
    case 'misc': {
      const argv = scriptWords(block, block.node('misc_path'));
      const runs = block.text('user')?.split(' ')[0];
      return { command: argv === undefined ? undefined : [...argv], timeout: block.number('misc_timeout'), dynamic_weight: block.flag('misc_dynamic') ? true : undefined, user: runs };
    }
    case 'file':
      return { track_file: block.text('track_file'), weight: block.number('weight') };
    case 'bfd':
      return { instance: block.text('name') };
    default:
      return {};
  }
}

function readUrl(block: Block): JsonObject {
  const status = block.text('status_code')?.split(' ').filter((code) => code !== '');
  const codes = (status ?? ['200-299']).map((code): Json => (/^\d+$/.test(code) ? Number(code) : code));
  const url = given({ path: block.text('path'), status: codes.length === 1 ? codes[0] : codes, digest: block.text('digest')?.toLowerCase(), regex: block.text('regex'), regex_absent: block.flag('regex_no_match') ? true : undefined });
  block.end();
  return url;
}
