// Sets up what a fresh machine lacks: npm's packages, Debian's packages for the lab and the tests, and the bundle; then has the tool itself check that a lab can run here.
// Usage: node scripts/setup.mjs demo|test. Only Node's own modules: nothing is installed yet when this runs.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installCommand, missingPackages } from './needs.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const cli = path.join(root, 'dist', 'lvs-play.js');

const purpose = process.argv[2];
if (purpose !== 'demo' && purpose !== 'test') fail('usage: node scripts/setup.mjs demo|test');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) fail(`Node ${process.versions.node} is too old: 20.19 or later is needed`);

// Said before anything is installed, and never passed over: a run that leaves tests out must not look like one that passed.
if (process.getuid?.() !== 0) {
  const without = purpose === 'demo' ? 'the demo boots kernels in a network namespace' : 'the lab tests, and the tests against real sshd, sudo, mounts and namespaces, cannot run';
  fail(`${without}: not root.\n  Run it as root; npm run check needs no root.${missingText()}`);
}

installNodeModules();
installDebianPackages();
run(process.execPath, [path.join(root, 'scripts', 'build.mjs')]);
checkLab();

function installNodeModules() {
  const installed = path.join(root, 'node_modules', '.package-lock.json');
  const wanted = path.join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  say('installing npm packages');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

function installDebianPackages() {
  const missing = Object.keys(missingPackages(purpose));
  if (missing.length === 0) return;
  if (!hasApt()) fail(`${cannot()}: this is not a Debian system, and missing: ${missing.join(', ')}`);
  aptInstall(missing);
  const still = Object.keys(missingPackages(purpose));
  if (still.length > 0) fail(`${cannot()}: still missing after the installation: ${still.join(', ')}`);
}

/** What the tool itself finds lacking, such as a compiler on the CPUs that need one; what packages can mend is mended. */
function checkLab() {
  let report = doctor();
  if (report.install.length > 0 && hasApt()) {
    aptInstall(report.install);
    report = doctor();
  }
  if (report.ok) return;
  const lacking = report.checks.filter((check) => !check.ok).map(({ name, found, fix }) => `\n  ${name}: ${found}\n    fix: ${fix}`);
  fail(`${cannot()} on this machine:${lacking.join('')}`);
}

function doctor() {
  const { stdout } = spawnSync(process.execPath, [cli, 'lab', 'doctor', '--json'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 2] });
  // Nothing on stdout: an error, and it has been printed.
  if (stdout === '') process.exit(1);
  return JSON.parse(stdout);
}

function cannot() {
  return purpose === 'demo' ? 'the demo cannot run' : 'the lab tests and the tests against real tools cannot run';
}

function hasApt() {
  return existsSync('/usr/bin/apt-get');
}

function aptInstall(packages) {
  say(`installing Debian packages: ${packages.join(' ')}`);
  withoutStartingServices(() => {
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { DEBIAN_FRONTEND: 'noninteractive' });
  });
}

function missingText() {
  const missing = Object.keys(missingPackages(purpose));
  return missing.length === 0 ? '' : `\n  Also missing, to be installed by root: ${installCommand(missing)}`;
}

// The packages are wanted for their programs: no sshd or keepalived shall begin to run on this machine.
function withoutStartingServices(work) {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    work();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

function run(program, args, env = {}) {
  try {
    // Progress of installers belongs on stderr.
    execFileSync(program, args, { cwd: root, stdio: ['ignore', 2, 2], env: { ...process.env, ...env } });
  } catch {
    process.exit(1);
  }
}

function say(text) {
  process.stderr.write(`set-up: ${text}\n`);
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
