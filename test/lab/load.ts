import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startLvsPlay, type TestLab } from './support.ts';

/** What became of requests and downloads that went on all the while. */
export interface LoadResult {
  readonly sent: number;
  /** By what went wrong. */
  readonly failures: Readonly<Record<string, number>>;
  /** By who answered. */
  readonly answers: Readonly<Record<string, number>>;
  /** Milliseconds: the longest time in which no request was answered. */
  readonly gap: number;
  /** Source ports that were used more than once. */
  readonly reused: number;
  readonly downloads: { readonly whole: number; readonly cut: number; readonly failures: readonly string[] };
}

export interface LoadPlan {
  readonly vip: string;
  /** Of the short requests, and of the downloads. */
  readonly port: number;
  /** At least so many short requests, however soon the work is done. */
  readonly least: number;
  /** At the same time. */
  readonly workers: number;
  /** Milliseconds that a worker waits after each of its requests; default 0: as fast as they are answered. */
  readonly pause?: number;
  /** Downloads at the same time; each lasts `DOWNLOAD_SECONDS`. */
  readonly downloads: number;
  /** Source addresses of the clients, which the lab's machine has; default: what the route says. */
  readonly sources?: readonly string[];
}

/** How long a download takes: nginx is told to be slow. */
const DOWNLOAD_SECONDS = 15;
const DOWNLOAD_BYTES = 300_000;

/** Bounded in any case, seconds. */
const LIMIT = 900;

/**
 * Short requests as fast as they are answered, from few source ports that are used again and again: each worker goes round its own ones. The server closes first,
 * so that a port is free at once. Downloads run beside, each whole or not.
 */
const LOAD = `
const net = require('node:net');
const fs = require('node:fs');
const { vip, port, least, workers, pause, downloads, stop, limit, bytes, sources } = JSON.parse(process.argv[1]);
const failures = {}, answers = {}, used = new Map();
let sent = 0, last = Date.now(), gap = 0, whole = 0, cut = 0, over = false;
const downloadFailures = [];
const until = Date.now() + limit * 1000;
const look = setInterval(() => { over = Date.now() > until || (sent >= least && fs.existsSync(stop)); }, 100);
const fail = (what) => { failures[what] = (failures[what] ?? 0) + 1; };
const answered = () => { const now = Date.now(); gap = Math.max(gap, now - last); last = now; };
const ask = (localPort, localAddress) => new Promise((resolve) => {
  const key = localAddress + ' ' + localPort;
  const socket = net.connect({ host: vip, port, localPort, ...(localAddress === '' ? {} : { localAddress }) });
  let text = '', ended = false;
  const end = (failure) => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    socket.destroy();
    // A port that somebody else has is no request.
    if (failure === 'EADDRINUSE' || failure === 'EADDRNOTAVAIL') return resolve();
    sent++;
    used.set(key, (used.get(key) ?? 0) + 1);
    if (failure === undefined) { const name = (text.split('\\r\\n\\r\\n')[1] ?? '').split('\\n')[0]; answers[name] = (answers[name] ?? 0) + 1; answered(); }
    else fail(failure);
    resolve();
  };
  const timer = setTimeout(() => end('no answer'), 10000);
  socket.on('data', (data) => { text += data; });
  socket.once('end', () => end(text.startsWith('HTTP/1.1 200') && text.endsWith('\\n') ? undefined : 'cut'));
  socket.once('error', (error) => end(error.code));
  socket.write('GET / HTTP/1.0\\r\\n\\r\\n');
});
const work = async (worker) => {
  for (let i = 0; !over; i++) {
    await ask(20000 + worker * 150 + (i % 150), sources[worker % sources.length]);
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
  }
};
const download = () => new Promise((resolve) => {
  const socket = net.connect({ host: vip, port });
  let got = 0, ended = false;
  const end = (failure) => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    socket.destroy();
    if (failure === undefined && got > bytes) whole++;
    else { cut++; downloadFailures.push((failure ?? 'cut short') + ' after ' + got); }
    resolve();
  };
  const timer = setTimeout(() => end('stalled'), 60000);
  socket.on('data', (data) => { got += data.length; });
  socket.once('end', () => end(undefined));
  socket.once('error', (error) => end(error.code));
  socket.write('GET /long HTTP/1.0\\r\\n\\r\\n');
});
const fetchAll = async () => { while (!over) await download(); };
// What is left of the downloads is no time without an answer.
const asking = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker))).then(answered);
Promise.all([asking, ...Array.from({ length: downloads }, fetchAll)]).then(() => {
  clearInterval(look);
  console.log(JSON.stringify({ sent, failures, answers, gap, reused: [...used.values()].filter((count) => count > 1).length, downloads: { whole, cut, failures: downloadFailures.slice(0, 5) } }));
});
`;

/** Makes a real server's nginx serve a page that takes its time. */
export const SLOW_PAGE = `set -e
head -c ${String(DOWNLOAD_BYTES)} /dev/zero >/var/www/html/long
cp /var/www/html/long /var/www/html/forever
truncate -s 20M /var/www/html/steady
echo 'map $uri $rate { default 0; /long ${String(Math.round(DOWNLOAD_BYTES / DOWNLOAD_SECONDS))}; /forever 200; /steady 20000; } limit_rate $rate;' >/etc/nginx/conf.d/slow.conf
sed -i 's/worker_connections .*/worker_connections 4096;/' /etc/nginx/nginx.conf
systemctl reload nginx`;

/** Loads a virtual IP while something is done. */
export async function whileLoaded<T>(lab: TestLab, plan: LoadPlan, work: () => Promise<T>): Promise<{ readonly value: T; readonly load: LoadResult }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-load-'));
  const stop = path.join(folder, 'stop');
  const given = JSON.stringify({ pause: 0, ...plan, stop, limit: LIMIT, bytes: DOWNLOAD_BYTES, sources: plan.sources ?? [''] });
  const running = startLvsPlay(['lab', 'run', '--name', lab.name, '--', process.execPath, '-e', LOAD, given]).result;
  try {
    const value = await work();
    await writeFile(stop, '');
    const { stdout, stderr } = await running;
    if (stdout === '') throw new Error(`the load ended without a result: ${stderr}`);
    return { value, load: JSON.parse(stdout) as LoadResult };
  } finally {
    await writeFile(stop, '');
    await running;
    await rm(folder, { recursive: true, force: true });
  }
}

const HOLD = `
const net = require('node:net');
const fs = require('node:fs');
const { vip, count, stop, path } = JSON.parse(process.argv[1]);
let ended = 0;
const sockets = Array.from({ length: count }, () => {
  const socket = net.connect({ host: vip, port: 80 });
  socket.on('error', () => { ended++; });
  socket.on('end', () => { ended++; });
  socket.resume();
  socket.write('GET ' + path + ' HTTP/1.0\\r\\n\\r\\n');
  return socket;
});
const until = Date.now() + 600000;
const look = setInterval(() => {
  if (!fs.existsSync(stop) && Date.now() < until) return;
  clearInterval(look);
  console.log(JSON.stringify({ ended }));
  for (const socket of sockets) socket.destroy();
}, 100);
`;

/** Holds connections open that never end by themselves, while something is done. @param page one that lasts. @returns how many were ended by others */
export async function whileHeld<T>(lab: TestLab, vip: string, count: number, work: () => Promise<T>, page = '/forever'): Promise<{ readonly value: T; readonly ended: number }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-hold-'));
  const stop = path.join(folder, 'stop');
  const running = startLvsPlay(['lab', 'run', '--name', lab.name, '--', process.execPath, '-e', HOLD, JSON.stringify({ vip, count, stop, path: page })]).result;
  try {
    const value = await work();
    await writeFile(stop, '');
    return { value, ...(JSON.parse((await running).stdout) as { ended: number }) };
  } finally {
    await writeFile(stop, '');
    await running;
    await rm(folder, { recursive: true, force: true });
  }
}
