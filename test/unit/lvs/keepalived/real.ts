import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { shellQuote } from '../../../../src/core/quote.ts';
import { SCRIPT_FOLDER } from '../../../../src/lvs/model/topology.ts';

/** What `keepalived -t` said of a file: its exit code and its messages. */
export interface Verdict {
  readonly code: number;
  readonly messages: string;
}

/** Interfaces that there are: they must exist, and VRRP refuses lo. */
const INTERFACES = ['eth0', 'eth1'] as const;
/** Scripts that there are, below SCRIPT_FOLDER: they must exist and belong to root. */
const SCRIPTS = ['check', 'notify'] as const;
/** A user that there is. */
const USER = 'nobody';

/**
 * Runs the real `keepalived -t` on every text: in one network and one file tree of their own, so that nothing of the machine is touched.
 * @param more a shell command run in between, with the file as $1
 */
export function keepalivedTest(texts: readonly string[], more = ':'): Verdict[] {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-keepalived-'));
  try {
    const files = texts.map((text, index) => {
      const file = path.join(dir, `${String(index)}.conf`);
      writeFileSync(file, text, { mode: 0o600 });
      return file;
    });
    const script = [
      'set -e',
      ...INTERFACES.flatMap((name) => [`ip link add ${name} type dummy 2>/dev/null || ip tuntap add dev ${name} mode tap`, `ip link set ${name} up`]),
      'mount -t tmpfs -o mode=755 none /usr/local',
      `mkdir -p ${shellQuote(SCRIPT_FOLDER)}`,
      ...SCRIPTS.map((name) => `printf '#!/bin/sh\\n' >${shellQuote(`${SCRIPT_FOLDER}/${name}`)}; chmod 755 ${shellQuote(`${SCRIPT_FOLDER}/${name}`)}`),
      // Users are looked up and taken on; in a namespace of one user only root can be.
      `printf 'root:x:0:0::/:/bin/sh\\n${USER}:x:0:0::/:/bin/sh\\n' >/usr/local/passwd; mount --bind /usr/local/passwd /etc/passwd`,
      'set +e',
      `for f; do keepalived -t -f "$f" >"$f.out" 2>&1; printf 'EXIT %s\\n' "$?"; set -- "$@"; (f=$f; set -- "$f"; ${more}); cat "$f.out"; printf 'END\\n'; done`,
    ].join('\n');
    const run = spawnSync('unshare', ['-rnm', 'sh', '-c', script, 'sh', ...files], { encoding: 'utf8', maxBuffer: 1 << 28 });
    const verdicts = [...run.stdout.matchAll(/^EXIT (\d+)\n([^]*?)^END$/gm)].map(([, code, messages = '']): Verdict => ({ code: Number(code), messages }));
    if (run.status !== 0 || verdicts.length !== texts.length) throw new Error(`keepalived cannot be tried here (unshare, ip and keepalived are needed): ${run.stderr}${run.stdout.slice(0, 500)}`);
    return verdicts;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
