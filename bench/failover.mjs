// How long nobody serves when the director that holds the virtual IP stops, crashes, or is cut off: drills in a lab of its own, and what they measured beside VRRP's bound.
//   npm run bench:failover                    20 runs each
//   node bench/failover.mjs --runs 3 --kinds stop,crash
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const CLI = path.join(ROOT, 'dist', 'lvs-play.js');
const { values } = parseArgs({ options: { runs: { type: 'string', default: '20' }, kinds: { type: 'string', default: 'stop,crash,isolate' }, name: { type: 'string', default: 'bench-failover' } } });
const runs = Number(values.runs);
const kinds = values.kinds.split(',');
const LAB = ['--name', values.name];

/** Runs the tool; its standard error is shown only when it fails. */
function lvsPlay(...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], { cwd: ROOT, env: { ...process.env, NO_COLOR: '1', CI: 'true' }, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data) => (stdout += data));
    child.stderr.on('data', (data) => (stderr += data));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(stdout) : reject(new Error(`lvs-play ${args.join(' ')}: exit code ${String(code)}\n${stderr}`))));
  });
}

/** The value that a share of all do not exceed. */
function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

function row(title, milliseconds) {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const cells = [sorted[0], quantile(sorted, 0.5), quantile(sorted, 0.9), sorted.at(-1)];
  return `${title.padEnd(26)}${cells.map((value) => String(Math.round(value)).padStart(8)).join('')}`;
}

function show(kind, reports) {
  const clients = reports.map(({ measured }) => measured.clients[0]);
  const sum = (count) => clients.reduce((total, one) => total + count(one), 0);
  const { milliseconds, advertInt, priority } = reports[0].bound;
  const skew = Math.round(((256 - priority) / 256) * advertInt * 1000);
  console.log(`\n${kind}: ${String(reports.length)} runs`);
  console.log(`${'milliseconds'.padEnd(26)}${['min', 'median', 'p90', 'max'].map((word) => word.padStart(8)).join('')}`);
  console.log(row('clients without an answer', clients.map(({ gap }) => gap)));
  console.log(row('nobody held the VIP', reports.map(({ measured }) => Math.max(0, ...measured.timelines.map(({ nobody }) => nobody)))));
  console.log(row('  known to within', reports.map(({ measured }) => Math.max(0, ...measured.timelines.map(({ uncertainty }) => uncertainty)))));
  console.log(kind === 'stop' ? `VRRP's bound of a MASTER that says goodbye: ${String(skew)} ms ((256 - ${String(priority)})/256 x ${String(advertInt)} s)` : `VRRP's bound: ${String(milliseconds)} ms (3 x ${String(advertInt)} s + (256 - ${String(priority)})/256 x ${String(advertInt)} s)`);
  console.log(`requests: ${String(sum(({ sent }) => sent))} sent, ${String(sum(({ sent, answered }) => sent - answered))} failed; connections held: ${String(sum(({ held }) => held?.alive ?? 0))} of ${String(sum(({ held }) => held?.opened ?? 0))} lived`);
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-bench-'));
try {
  const inventory = path.join(folder, 'hosts.yml');
  const text = await readFile(path.join(ROOT, 'inventories/dr-keepalived-pair/hosts.yml'), 'utf8');
  await writeFile(inventory, text.replace('vips: [192.168.0.38]', 'vips: [192.168.0.38]\n          connection_sync: true').replace('check_interval: 6', 'check_interval: 2'));
  const overlay = (await lvsPlay('lab', 'up', ...LAB, '--install', 'ipvsadm,keepalived,nginx-light', '-i', inventory)).trim();
  await lvsPlay('deploy', 'playbooks/demo.yml', '-i', overlay);
  console.log(`${String(runs)} runs each of ${kinds.join(', ')}, ${String(os.cpus().length)} CPUs, load ${os.loadavg()[0].toFixed(1)} at the beginning`);
  for (const kind of kinds) {
    const reports = [];
    for (let run = 0; run < runs; run++) {
      const report = JSON.parse(await lvsPlay('failover', 'edge', '--drill', kind, '--json', '--sync-wait', '1s', '-i', overlay));
      process.stderr.write(`${kind} ${String(run + 1)}/${String(runs)}: clients ${String(report.measured.clients[0].gap)} ms, holder ${String(Math.round(report.measured.timelines[0].nobody))} ms\n`);
      reports.push(report);
    }
    show(kind, reports);
  }
  console.log(`\nload ${os.loadavg()[0].toFixed(1)} at the end`);
} finally {
  await lvsPlay('lab', 'down', ...LAB).catch((error) => process.stderr.write(`${error.message}\n`));
  await rm(folder, { recursive: true, force: true });
}
