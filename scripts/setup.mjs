// Sets up what a fresh machine lacks: npm's packages, Debian's packages for the lab and the tests, and the bundle; then has the tool itself check that a lab can run here.
// Usage: node scripts/setup.mjs demo|test. Only Node's own modules: nothing is installed yet when this runs.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const cli = path.join(root, 'dist', 'lvs-play.js');

/** Program, or file, that shows a package is there -> Debian package. */
const LAB = {
  ...JSON.parse(readFileSync(path.join(root, 'src/lab/doctor/packages.json'), 'utf8')),
  arping: 'iputils-arping',
  curl: 'curl',
};
const ORACLES = {
  'ansible-inventory': 'ansible-core',
  keepalived: 'keepalived',
  ipvsadm: 'ipvsadm',
  sshd: 'openssh-server',
  sudo: 'sudo',
  busybox: 'busybox',
  dash: 'dash',
  openssl: 'openssl',
  nft: 'nftables',
  iptables: 'iptables',
  ping: 'iputils-ping',
  tcpdump: 'tcpdump',
  perl: 'perl',
  // Whether or not this CPU needs it, tests compile the library that some CPUs need.
  tcc: 'tcc',
  '/usr/include/stdio.h': 'libc6-dev',
};
const PYTHON_MODULES = { jinja2: 'python3-jinja2' };

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
installDebianPackages(purpose === 'demo' ? LAB : { ...LAB, ...ORACLES });
run(process.execPath, [path.join(root, 'scripts', 'build.mjs')]);
checkLab();

function installNodeModules() {
  const installed = path.join(root, 'node_modules', '.package-lock.json');
  const wanted = path.join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  say('installing npm packages');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

function installDebianPackages(programs) {
  const missing = missingPackages(programs);
  if (missing.length === 0) return;
  if (!onPath('apt-get')) fail(`${cannot()}: this is no Debian system, and missing: ${missing.join(', ')}`);
  aptInstall(missing);
  const still = missingPackages(programs);
  if (still.length > 0) fail(`${cannot()}: still missing after the installation: ${still.join(', ')}`);
}

/** What the tool itself finds lacking, such as a compiler on the CPUs that need one; what packages can mend is mended. */
function checkLab() {
  let report = doctor();
  if (report.install.length > 0 && onPath('apt-get')) {
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

function aptInstall(packages) {
  say(`installing Debian packages: ${packages.join(' ')}`);
  withoutStartingServices(() => {
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { DEBIAN_FRONTEND: 'noninteractive' });
  });
}

function missingText() {
  const missing = missingPackages(purpose === 'demo' ? LAB : { ...LAB, ...ORACLES });
  return missing.length === 0 ? '' : `\n  Also missing, to be installed by root: apt-get install --no-install-recommends ${missing.join(' ')}`;
}

function missingPackages(programs) {
  const missing = [...new Set(Object.entries(programs).flatMap(([program, name]) => (onPath(program) ? [] : [name])))];
  if (purpose !== 'test') return missing;
  const python = Object.entries(PYTHON_MODULES).flatMap(([module, name]) =>
    spawnSync('/usr/bin/python3', ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0 ? [] : [name],
  );
  return [...missing, ...python];
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

function onPath(program) {
  if (program.startsWith('/')) return existsSync(program);
  return [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].some((dir) => dir !== '' && existsSync(path.join(dir, program)));
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
