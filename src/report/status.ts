import { hostNames } from '../observe/words.ts';
import type { ClusterStatus, ServerStatus } from '../status/status.ts';
import type { Style } from './terminal/style.ts';

/** Earlier values of a real server's numbers, the oldest first, by `service host`: for sparklines. */
export type History = ReadonlyMap<string, readonly { readonly active: number; readonly rate: number }[]>;

/** For people. @param last the last run from here, in words. Pure. */
export function formatStatus(status: ClusterStatus, style: Style, last: string | undefined, history: History = new Map()): string {
  return [...vipLines(status, style), ...serviceLines(status, style, history), ...drainLines(status, style), ...failoverLines(status, style), ...directorLines(status, style), ...(last === undefined ? [] : ['', `last run   ${last}`]), ...driftLines(status), ...problemLines(status, style), ''].join('\n');
}

function vipLines({ vips }: ClusterStatus, { bold, red, green }: Style): string[] {
  const width = Math.max(0, ...vips.map(({ vip }) => vip.length));
  return vips.map(({ vip, pair, holders, verdict, unknown }) => {
    const silent = unknown.length === 0 ? '' : `${hostNames(unknown)} did not answer`;
    const seen = { held: () => green(holders.join('')), nobody: () => red('NOBODY'), several: () => red(holders.join(' AND ')) };
    const words = verdict === null ? red(`unknown: ${silent}`) : `${seen[verdict]()}${silent === '' ? '' : red(`; ${silent}`)}`;
    return `${bold(vip.padEnd(width))}  ${words}${pair === null ? '' : `  (${pair})`}`;
  });
}

const COLUMNS = ['REAL SERVER', 'ADDRESS', 'WEIGHT', 'ACTIVE', 'INACTIVE', 'CONN/S', 'IN', 'OUT', 'STATE'] as const;

function serviceLines({ services }: ClusterStatus, style: Style, history: History): string[] {
  return services.flatMap((service) => {
    const rows = service.servers.map((server) => [server.host, server.endpoint, weightText(server), number(server.active), number(server.inactive), number(server.rate?.connections ?? null), bytes(server.rate?.bytesIn ?? null), bytes(server.rate?.bytesOut ?? null), server.state]);
    const widths = COLUMNS.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
    const line = (cells: readonly string[]): string => cells.map((cell, column) => (column >= 2 && column <= 7 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd();
    const head = `${style.bold(service.name)}  ${service.key}  ${service.holder !== null ? `on ${service.holder}` : style.red(service.unknown.length > 0 ? 'who holds it is unknown' : 'no single director holds it')}${service.unknown.length === 0 ? '' : style.red(`  (${hostNames(service.unknown)} did not answer)`)}`;
    return ['', head, `  ${style.dim(line(COLUMNS))}`, ...rows.map((row, index) => `  ${coloured(line(row), service.servers[index]?.state ?? 'unknown', style)}${trail(history, `${service.name} ${row[0] ?? ''}`)}`)];
  });
}

/** One number where the directors agree. */
function weightText({ weights }: ServerStatus): string {
  const values = [...new Set(Object.values(weights))];
  const text = (weight: number | null | undefined): string => (weight === undefined ? '?' : weight === null ? '-' : String(weight));
  return values.length <= 1 ? text(values[0]) : Object.values(weights).map(text).join('/');
}

function coloured(text: string, state: ServerStatus['state'], style: Style): string {
  if (state === 'serves') return text;
  return state === 'drained' || state === 'restoring' ? style.yellow(text) : state === 'unknown' ? style.dim(text) : style.red(text);
}

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** A value for each look, by its share of the highest one. Pure. */
export function sparkline(values: readonly number[]): string {
  const most = Math.max(1, ...values);
  return values.map((value) => BARS[Math.min(BARS.length - 1, Math.floor((Math.max(0, value) / most) * (BARS.length - 1) + 0.5))] ?? ' ').join('');
}

function trail(history: History, key: string): string {
  const past = history.get(key);
  return past === undefined || past.length < 2 ? '' : `  ${sparkline(past.map(({ active }) => active))}  ${sparkline(past.map(({ rate }) => rate))}`;
}

function drainLines({ drains }: ClusterStatus, { yellow, red }: Style): string[] {
  if (drains.length === 0) return [];
  return ['', ...drains.map(({ host, weight, by, reason, since, until, on, forgotten }) => {
    const words = `${host} ${weight === '0' ? 'is drained' : `is at ${weight} of its weight`} by ${by}${reason === '' ? '' : `: ${reason}`}; since ${since}${until === null ? '' : `, until ${until}`}, on ${on.join(', ')}`;
    return forgotten === null ? yellow(words) : red(`${words}; FORGOTTEN: ${forgotten}; lvs-play restore ${host}`);
  })];
}

function failoverLines({ failovers }: ClusterStatus, { yellow, red }: Style): string[] {
  if (failovers.length === 0) return [];
  return ['', ...failovers.map(({ pair, to, by, reason, since, until, on, forgotten }) => {
    const words = `${pair} fails over to ${to} by ${by}${reason === '' ? '' : `: ${reason}`}; since ${since}${until === null ? '' : `, until ${until}`}, on ${on.join(', ')}`;
    return forgotten === null ? yellow(words) : red(`${words}; FORGOTTEN: ${forgotten}; lvs-play failback ${pair}`);
  })];
}

function directorLines({ directors, unreachable, failed }: ClusterStatus, { red, bold }: Style): string[] {
  const rows = [
    ...directors.map(({ host, keepalived, sync }) => `${bold(host)}  ${[keepalived === null ? 'no keepalived' : keepalived === 'runs' ? 'keepalived runs' : red('keepalived is stopped'), ...(sync.length > 0 ? [`connection sync: ${sync.join(' and ')}`] : [])].join('; ')}`),
    ...(unreachable.length === 0 ? [] : [`${bold(hostNames(unreachable))}  ${red('unknown: did not answer')}`]),
    ...(failed.length === 0 ? [] : [`${bold(hostNames(failed))}  ${red('unknown: gave no usable answer')}`]),
  ];
  return rows.length === 0 ? [] : ['', ...rows];
}

function driftLines({ drift }: ClusterStatus): string[] {
  if (drift === undefined) return [];
  const unseen = drift.unknown.length === 0 ? '' : `; unknown on ${hostNames(drift.unknown)}`;
  const found = drift.differences > 0 ? `${String(drift.differences)} on ${drift.on.join(', ')}` : drift.compared === 0 ? 'unknown' : `none${unseen === '' ? '' : ` on ${String(drift.compared)} ${drift.compared === 1 ? 'host' : 'hosts'}`}`;
  return [`drift      ${found}, by ${drift.playbook}${unseen}`];
}

function problemLines({ problems }: ClusterStatus, { red, green }: Style): string[] {
  return ['', ...(problems.length === 0 ? [green('nothing to see to')] : problems.map((problem) => red(`! ${problem}`)))];
}

function number(value: number | null): string {
  return value === null ? '-' : String(value);
}

/** Bytes a second. */
function bytes(value: number | null): string {
  if (value === null) return '-';
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, value === 0 ? 0 : Math.floor(Math.log10(value) / 3));
  return `${power === 0 ? String(value) : (value / 1000 ** power).toFixed(1)} ${units[power] ?? ''}/s`;
}
