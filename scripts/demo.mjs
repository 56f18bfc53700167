// The main job from nothing, on real kernels: lab, plan, deploy, proof, a second deploy that changes nothing, a failing web server.
// Everything happens in a network namespace of the demo's own, and is gone afterwards.
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const cli = path.join(root, 'dist', 'lvs-play.js');
const LAB = 'demo';
const INVENTORY = 'inventories/dr-keepalived-pair/hosts.yml';
const PLAYBOOK = 'playbooks/demo.yml';
const VIP = '192.168.0.38';
/** The health check's own bound: one interval, the retries and their delays, and a margin for a busy machine. */
const HEALTH_CHECK_SECONDS = 60;

const started = Date.now();
let interrupted = false;
// The running command gets the signal too and ends; then the lab is taken down.
process.on('SIGINT', () => (interrupted = true));
process.on('SIGTERM', () => (interrupted = true));

try {
  await demo();
} catch (error) {
  process.exitCode = interrupted ? 130 : 1;
  console.error(interrupted ? '\ninterrupted' : `\nthe demo failed: ${error.message}`);
} finally {
  await step('Clean up: no process, namespace or disk stays behind', 'lab', 'down', '--name', LAB).catch((error) => {
    process.exitCode ||= 1;
    console.error(error.message);
  });
}

async function demo() {
  if (spawnSync(process.execPath, [cli, 'lab', 'down', '--name', LAB], { cwd: root, stdio: 'ignore' }).error) throw new Error('node cannot run the tool');
  await step('Can a lab run on this machine?', 'lab', 'doctor');
  await step('Boot two directors and two real servers: bare Debian on real kernels', 'lab', 'up', '--name', LAB, '-i', INVENTORY);
  const inventory = (await capture('lab', 'status', '--name', LAB, '--json')).overlay;
  await step('What would a deploy change? (the dry run asks every host once and writes nothing)', 'plan', PLAYBOOK, '-i', inventory);
  await step('Deploy', 'deploy', PLAYBOOK, '-i', inventory, '--stats');
  await step('Prove from outside that clients reach the service through the virtual IP', 'verify', '-i', inventory);
  await step('Deploy again: nothing is left to change, and one request to each host was enough to know', 'deploy', PLAYBOOK, '-i', inventory, '--stats');
  const again = await capture('deploy', PLAYBOOK, '-i', inventory, '--json');
  const changed = Object.values(again.recap).reduce((sum, host) => sum + host.changed, 0);
  if (changed !== 0) throw new Error(`a repeated deploy made ${changed} changes`);

  await step('Stop nginx on rs1: its health check fails and the traffic goes to rs2', 'lab', 'exec', 'rs1', '--name', LAB, '--', 'systemctl', 'stop', 'nginx');
  await until('only rs2 answers', (names) => names.length > 0 && names.every((name) => name === 'rs2'));
  await step('Start it again: it comes back', 'lab', 'exec', 'rs1', '--name', LAB, '--', 'systemctl', 'start', 'nginx');
  await until('rs1 and rs2 answer', (names) => names.includes('rs1') && names.includes('rs2'));
  console.log(`\nAll of it held, in ${Math.round((Date.now() - started) / 1000)} s.`);
}

/** Runs the tool before the reader's eyes. */
async function step(title, ...args) {
  console.log(`\n\x1b[1m# ${title}\x1b[0m\n$ lvs-play ${args.join(' ')}`);
  const code = await run(args, 'inherit').exited;
  if (interrupted && args[1] !== 'down') throw new Error('interrupted');
  if (code !== 0) throw new Error(`lvs-play ${args.join(' ')} ended with exit code ${code}`);
}

async function capture(...args) {
  const child = run(args, 'pipe', 'ignore');
  let text = '';
  child.process.stdout.on('data', (chunk) => (text += chunk));
  const code = await child.exited;
  if (code !== 0) throw new Error(`lvs-play ${args.join(' ')} ended with exit code ${code}`);
  return JSON.parse(text);
}

function run(args, stdout, stderr = 'inherit') {
  const child = spawn(process.execPath, [cli, ...args], { cwd: root, stdio: ['ignore', stdout, stderr] });
  return { process: child, exited: new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => resolve(code ?? 1))) };
}

/** Asks for the page through the virtual IP until the answers are as wanted, and shows who answered. */
async function until(what, wanted) {
  console.log(`$ lvs-play lab run --name ${LAB} -- curl http://${VIP}/   (until ${what})`);
  const deadline = Date.now() + HEALTH_CHECK_SECONDS * 1000;
  for (;;) {
    const names = [];
    for (let i = 0; i < 4; i++) names.push(answer());
    const served = names.filter((name) => name !== '');
    console.log(`  ${names.map((name) => name || '(no answer)').join(' ')}`);
    if (served.length === names.length && wanted(served)) return;
    if (interrupted) throw new Error('interrupted');
    if (Date.now() > deadline) throw new Error(`after ${HEALTH_CHECK_SECONDS} s it is not so that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function answer() {
  const asked = spawnSync(process.execPath, [cli, 'lab', 'run', '--name', LAB, '--', 'curl', '-sS', '-m', '3', `http://${VIP}/`], { cwd: root, encoding: 'utf8' });
  return asked.status === 0 ? (asked.stdout.split('\n')[0] ?? '') : '';
}
