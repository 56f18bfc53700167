import type { HostRecap, HostStats } from '../core/events.ts';
import type { Style } from './terminal/style.ts';

const WORDS = ['ok', 'changed', 'unreachable', 'failed', 'skipped', 'rescued', 'ignored'] as const;
const CELL = 4;

/** Ansible's recap: a line per host, with its words. Pure. */
export function formatRecap(recap: Readonly<Record<string, HostRecap>>, style: Style): string {
  const width = Math.max(0, ...Object.keys(recap).map((host) => host.length));
  const rows = Object.entries(recap).map(([host, counts]) => {
    const color = counts.failed > 0 || counts.unreachable > 0 ? style.red : counts.changed > 0 ? style.yellow : style.green;
    const cells = WORDS.map((word) => cell(word, counts[word], style));
    return `${color(host)}${' '.repeat(width - host.length)} : ${cells.join(' ')}`.trimEnd();
  });
  return `${style.bold('PLAY RECAP')}\n${rows.map((row) => `${row}\n`).join('')}`;
}

function cell(word: (typeof WORDS)[number], count: number, style: Style): string {
  const text = `${word}=${String(count)}`;
  const space = ' '.repeat(Math.max(0, CELL - String(count).length));
  if (count === 0) return text + space;
  const color = word === 'failed' || word === 'unreachable' ? style.red : word === 'changed' ? style.yellow : word === 'ok' ? style.green : style.cyan;
  return color(text) + space;
}

/** What `--stats` prints: what the run cost, counted in the transport. Pure. */
export function formatStats(stats: Readonly<Record<string, HostStats>>, style: Style): string {
  const rows = Object.entries(stats).map(([host, counts]) => [
    host,
    String(counts.connections),
    String(counts.requests),
    String(counts.becomeRequests),
    String(counts.bytesSent),
    String(counts.bytesReceived),
  ]);
  return table([['HOST', 'CONNECTIONS', 'REQUESTS', 'AS ROOT', 'BYTES SENT', 'BYTES RECEIVED'], ...rows], style);
}

/** Rows under a head, the first column to the left and the others, being numbers, to the right. */
function table(rows: readonly (readonly string[])[], style: Style): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row, index) => {
      const line = row.map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0))).join('  ').trimEnd();
      return `${index === 0 ? style.bold(line) : line}\n`;
    })
    .join('');
}
