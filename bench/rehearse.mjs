// Rehearses every example inventory with every drill, one after the other, and prints how long each took and what came of it.
// `node bench/rehearse.mjs [NAME...] [-- OPTIONS OF REHEARSE]`; npm run bench:rehearse builds first. The goal: 10 minutes each on two cores.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
// As the tests do: another build, so that this one may be rebuilt meanwhile.
const cli = process.env.LVS_PLAY_CLI ?? path.join(root, 'dist', 'lvs-play.js');
const GOAL_SECONDS = 600;

const args = process.argv.slice(2);
const end = args.indexOf('--');
const names = end < 0 ? args : args.slice(0, end);
const options = end < 0 ? [] : args.slice(end + 1);
let failed = false;

console.log('INVENTORY            SECONDS  EXIT  NODES  BOOT  DEPLOY  VERDICTS OF THE DRILLS                                        LOAD');
for (const name of names.length > 0 ? names : readdirSync(path.join(root, 'inventories')).sort()) {
  const begun = Date.now();
  const load = os.loadavg()[0].toFixed(1);
  const run = spawnSync(process.execPath, [cli, 'rehearse', 'playbooks/demo.yml', '-i', path.join('inventories', name), '--name', `bench-${name}`, '--json', ...options], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
  const seconds = Math.round((Date.now() - begun) / 1000);
  failed ||= run.status !== 0 || seconds > GOAL_SECONDS;
  const document = run.stdout === '' ? undefined : JSON.parse(run.stdout);
  const verdicts = (document?.drills ?? []).map(({ drill, verdict }) => `${drill.split('-').map((word) => word[0]).join('')}:${verdict}`).join(' ');
  console.log(
    `${name.padEnd(20)} ${String(seconds).padStart(7)}  ${String(run.status).padStart(4)}  ${String(document?.replica.sample.hosts.length ?? '-').padStart(5)}  ` +
      `${String(Math.round(document?.replica.booted ?? 0)).padStart(4)}  ${String(Math.round(document?.deploy?.seconds ?? 0)).padStart(6)}  ${verdicts.padEnd(60)}  ${load}-${os.loadavg()[0].toFixed(1)}`,
  );
  for (const text of document?.broken ?? [run.stderr.trim().split('\n').slice(-5).join('\n')]) console.log(`  ${text}`);
}
process.exitCode = failed ? 1 : 0;
