// Sets up what a fresh machine lacks: npm's packages, Debian's packages for the lab and the tests, and the bundle.
// Usage: node scripts/setup.mjs demo|test. Only Node's own modules: nothing is installed yet when this runs.
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installCommand, missingPackages } from './needs.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

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
  const what = purpose === 'demo' ? 'the demo cannot run' : 'the lab tests and the tests against real tools cannot run';
  if (!existsSync('/usr/bin/apt-get')) fail(`${what}: this is no Debian system, and missing: ${missing.join(', ')}`);
  say(`installing Debian packages: ${missing.join(' ')}`);
  withoutStartingServices(() => {
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { DEBIAN_FRONTEND: 'noninteractive' });
  });
  const still = Object.keys(missingPackages(purpose));
  if (still.length > 0) fail(`${what}: still missing after the installation: ${still.join(', ')}`);
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
