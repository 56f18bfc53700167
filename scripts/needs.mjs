// What this project's demo and tests need of a machine beside Node: one list for the set-up, which installs it, and for the test runs, which check it first.
// Usage: node scripts/needs.mjs unit|lab: exit status 1 and one message when something is missing. Only Node's own modules: nothing is installed yet when set-up runs.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Program, or file, that shows a package is there -> the package, and what it is for. What the lab itself needs, `lvs-play lab doctor` checks by the same list. */
const BOOT = Object.fromEntries(Object.entries(JSON.parse(readFileSync(path.join(root, 'src/lab/doctor/packages.json'), 'utf8'))).map(([program, name]) => [program, [name, 'booting lab nodes']]));
const CLIENT = {
  ip: ['iproute2', 'network namespaces'],
  ssh: ['openssh-client', 'logins'],
  arping: ['iputils-arping', 'who answers ARP'],
  curl: ['curl', 'clients of services'],
};
/** Clients and listeners in a lab's network. */
const WITNESSES = {
  python3: ['python3', "listening on a lab's network"],
  ping: ['iputils-ping', 'clients of services'],
};
/** Real tools that our own answers are compared with, or that play a host. */
const ORACLES = {
  'ansible-inventory': ['ansible-core', 'inventories and playbooks compared with Ansible'],
  keepalived: ['keepalived', 'generated files checked by the real keepalived'],
  ipvsadm: ['ipvsadm', 'generated commands checked by the real ipvsadm'],
  sshd: ['openssh-server', 'a host to log in to'],
  sudo: ['sudo', 'becoming another user'],
  busybox: ['busybox', 'scripts under its sh'],
  dash: ['dash', 'scripts under dash'],
  openssl: ['openssl', 'a server with TLS'],
  nft: ['nftables', 'rules of nftables'],
  iptables: ['iptables', 'rules of iptables'],
  tcpdump: ['tcpdump', 'adverts of VRRP'],
  perl: ['perl', 'servers to connect to'],
  // Whether or not this CPU needs it, tests compile the library that some CPUs need.
  tcc: ['tcc', "compiling the library that nodes need on some CPUs"],
  '/usr/include/stdio.h': ['libc6-dev', 'compiling a program that tests that library'],
};
const PYTHON_MODULES = { jinja2: ['python3-jinja2', 'templates compared with Jinja'] };

/** Which of them each purpose needs. */
const NEEDS = {
  demo: { programs: { ...BOOT, ...CLIENT }, modules: {} },
  unit: { programs: { ...CLIENT, ...WITNESSES, ...ORACLES }, modules: PYTHON_MODULES },
  lab: { programs: { ...BOOT, ...CLIENT, ...WITNESSES }, modules: {} },
  test: { programs: { ...BOOT, ...CLIENT, ...WITNESSES, ...ORACLES }, modules: PYTHON_MODULES },
};

/** Packages that a purpose needs and that are missing here, each once: name -> what it is for. */
export function missingPackages(purpose) {
  const { programs, modules } = NEEDS[purpose];
  const missing = [
    ...Object.entries(programs).filter(([program]) => !onPath(program)),
    ...Object.entries(modules).filter(([module]) => spawnSync('/usr/bin/python3', ['-c', `import ${module}`], { stdio: 'ignore' }).status !== 0),
  ];
  return Object.fromEntries(missing.map(([, [name, use]]) => [name, use]));
}

export function installCommand(packages) {
  return `apt-get install --no-install-recommends ${packages.join(' ')}`;
}

function onPath(program) {
  if (program.startsWith('/')) return existsSync(program);
  return [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].some((dir) => dir !== '' && existsSync(path.join(dir, program)));
}

/** What a run of tests lacks, as one message; undefined when nothing is missing. */
function complaint(purpose) {
  const missing = missingPackages(purpose);
  const names = Object.keys(missing);
  const root = process.getuid?.() === 0;
  if (names.length === 0 && root) return undefined;
  const lines = [`The ${purpose} tests cannot run here:`];
  if (!root) lines.push(`  you are not root, which ${purpose === 'lab' ? 'booting lab nodes' : 'tests with real sshd, sudo, mounts and network namespaces'} needs`);
  for (const [name, use] of Object.entries(missing)) lines.push(`  ${name} is missing (${use})`);
  if (names.length > 0) lines.push(`Install what is missing, as root: ${installCommand(names)}`, '  or let the set-up do it: node scripts/setup.mjs test');
  return lines.join('\n') + '\n';
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const purpose = process.argv[2];
  const text = purpose === 'unit' || purpose === 'lab' ? complaint(purpose) : 'usage: node scripts/needs.mjs unit|lab\n';
  if (text !== undefined) {
    process.stderr.write(text);
    process.exitCode = 1;
  }
}
