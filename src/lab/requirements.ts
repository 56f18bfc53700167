import { accessSync, constants, readFileSync } from 'node:fs';
import path from 'node:path';
import { LvsPlayError } from '../core/errors.ts';
import { pathWithSbin } from './process.ts';

/** Program -> Debian package that brings it. Those of every Debian system (util-linux, bash, coreutils) are not listed. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'linux.uml': 'user-mode-linux',
  mmdebstrap: 'mmdebstrap',
  ip: 'iproute2',
  'mkfs.ext4': 'e2fsprogs',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  'ssh-keyscan': 'openssh-client',
  setpriv: 'util-linux',
  bash: 'bash',
};

/** What was found out about this machine. */
export interface Found {
  /** Effective capability bits of /proc/self/status. */
  readonly capabilities: bigint;
  readonly root: boolean;
  readonly hasTun: boolean;
  /** Programs of the list above that are not on the PATH. */
  readonly missing: readonly string[];
}

/** CAP_NET_ADMIN and CAP_SYS_ADMIN: making taps and namespaces; CAP_SYS_CHROOT: building the image. */
const NEEDED: Readonly<Record<string, bigint>> = { CAP_NET_ADMIN: 12n, CAP_SYS_CHROOT: 18n, CAP_SYS_ADMIN: 21n };

/** @throws LvsPlayError `lab-requirements`: one message with all that is lacking and what to install */
export function checkRequirements(): void {
  const problem = judge(inspect());
  if (problem !== undefined) throw problem;
}

function inspect(): Found {
  const dirs = pathWithSbin(process.env['PATH']).split(':');
  const status = readFileSync('/proc/self/status', 'utf8');
  return {
    capabilities: BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`),
    root: process.geteuid?.() === 0,
    hasTun: canUse('/dev/net/tun', constants.R_OK | constants.W_OK),
    missing: Object.keys(PROGRAMS).filter((program) => !dirs.some((dir) => canUse(path.join(dir, program), constants.X_OK))),
  };
}

function canUse(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}

/** Pure: undefined when a lab can run. */
export function judge(found: Found): LvsPlayError | undefined {
  const packages = [...new Set(found.missing.map((program) => PROGRAMS[program] ?? program))];
  const install = packages.length === 0 ? undefined : `${found.root ? '' : 'as root: '}apt-get install ${packages.join(' ')}`;
  const lacking: string[] = [];
  const lost = Object.entries(NEEDED).filter(([, bit]) => (found.capabilities & (1n << bit)) === 0n);
  if (!found.root) lacking.push('root');
  else if (lost.length > 0) lacking.push(`the capabilities ${lost.map(([name]) => name).join(', ')} (a container may need --privileged)`);
  if (!found.hasTun && found.root) lacking.push('/dev/net/tun');
  if (packages.length > 0) lacking.push(`the packages ${packages.join(', ')}`);
  if (lacking.length === 0) return undefined;
  const hint = [install, found.root ? undefined : 'run lvs-play lab as root, e.g. with sudo'].filter((part) => part !== undefined).join('; ');
  return new LvsPlayError({ code: 'lab-requirements', kind: 'usage', message: `a lab needs ${lacking.join(' and ')}`, hint: hint === '' ? undefined : hint });
}
