import type { Deployed, Verified } from './types.ts';
import type { ToolResult } from './own-tool.ts';

/** What of `deploy --json` and `plan --json` is read here. */
interface RunDocument {
  readonly recap?: Readonly<Record<string, { readonly changed: number }>>;
  readonly tasks?: readonly { readonly host: string; readonly name: string; readonly status: string; readonly changes: readonly { readonly path: string }[]; readonly message?: string }[];
  readonly unreachable?: Readonly<Record<string, string>>;
  readonly failed?: Readonly<Record<string, string>>;
  readonly pairs?: readonly { readonly vips: readonly { readonly vip: string; readonly several: number; readonly uncertainty: number }[] }[];
}

/** How a deploy or plan went, of what it printed. Pure, as all here. */
export function deployedOf({ code, seconds, stdout, stderr }: ToolResult): Deployed {
  const { recap, tasks, unreachable, failed } = documentOf(stdout);
  const changes = (tasks ?? []).filter(({ status }) => ['changed', 'change'].includes(status)).map(({ host, name, changes: parts }) => ({ host, task: name, what: parts.map(({ path }) => path) }));
  const planned: Record<string, number> = {};
  for (const { host } of changes) planned[host] = (planned[host] ?? 0) + 1;
  const changed = recap === undefined || Object.keys(recap).length === 0 ? planned : Object.fromEntries(Object.entries(recap).map(([host, counts]) => [host, Math.max(counts.changed, planned[host] ?? 0)]));
  const failures = [
    ...(tasks ?? []).filter(({ status }) => status === 'failed').map(({ host, name, message }) => `[${host}] ${name}: ${message ?? 'failed'}`),
    ...Object.entries({ ...unreachable, ...failed }).map(([host, message]) => `[${host}] ${message}`),
  ];
  return { code, seconds, changed, changes, failures: code === 0 || failures.length > 0 ? failures : [errorLine(stderr)] };
}

export function changesIn({ changed }: Pick<Deployed, 'changed'>): number {
  return Object.values(changed).reduce((sum, count) => sum + count, 0);
}

/** Virtual IPs that two directors held at once, of a deploy's document. */
export function heldTwice(stdout: string): string[] {
  return (documentOf(stdout).pairs ?? []).flatMap(({ vips }) => vips).filter(({ several, uncertainty }) => several > uncertainty).map(({ vip, several }) => `two directors held ${vip} for ${String(several)} ms`);
}

export function verifiedOf({ code, seconds, stdout, stderr }: ToolResult): Verified {
  const report = documentOf(stdout) as { readonly checks?: readonly { readonly name: string; readonly subject: string; readonly verdict: string; readonly measured: string; readonly reason?: string }[] };
  const failed = (report.checks ?? []).filter(({ verdict }) => verdict === 'fail' || verdict === 'unknown').map(({ name, subject, measured, reason }) => `${name} ${subject}: ${measured}${reason === undefined ? '' : ` (${reason})`}`);
  return { ok: code === 0, seconds, report: report.checks === undefined ? null : report, failures: code === 0 || failed.length > 0 ? failed : [errorLine(stderr)] };
}

/** The error that a command ended with, else the last thing it said. */
function errorLine(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return (lines.find((line) => line.startsWith('error: ')) ?? lines.at(-1) ?? '').replace(/^error: /, '');
}

function documentOf(stdout: string): RunDocument {
  try {
    return JSON.parse(stdout) as RunDocument;
  } catch {
    return {};
  }
}
