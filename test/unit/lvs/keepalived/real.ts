import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { shellQuote } from '../../../../src/core/text/quote.ts';
import { SCRIPT_FOLDER } from '../../../../src/lvs/model/topology.ts';

/** What `keepalived -t` said of a file: its exit code and its messages. */
export interface Verdict {
  readonly code: number;
  readonly messages: string;
}

/**
 * Makes what keepalived looks for, in a network and a file tree of its own: interfaces (VRRP refuses lo), scripts that belong to root, users. In a namespace
 * of one user only root can be taken on, so the other name is root's as well.
 */
const SURROUNDINGS = [
  'set -e',
  ...['eth0', 'eth1'].flatMap((name) => [`ip link add ${name} type dummy 2>/dev/null || ip tuntap add dev ${name} mode tap`, `ip link set ${name} up`]),
  'mount -t tmpfs -o mode=755 none /usr/local',
  `mkdir -p ${shellQuote(SCRIPT_FOLDER)}`,
  ...['check', 'notify'].map((name) => `printf '#!/bin/sh\\n' >${shellQuote(`${SCRIPT_FOLDER}/${name}`)}; chmod 755 ${shellQuote(`${SCRIPT_FOLDER}/${name}`)}`),
  "printf 'root:x:0:0::/:/bin/sh\\nnobody:x:0:0::/:/bin/sh\\n' >/usr/local/passwd",
  'mount --bind /usr/local/passwd /etc/passwd',
  'set +e',
].join('\n');

/** Shell text that makes them, for `unshare -rnm`. */
export function keepalivedSurroundings(): string {
  return SURROUNDINGS;
}

/** Runs the real `keepalived -t` on every text, without touching anything of the machine: eth0, eth1, the scripts check and notify, root and nobody are there. */
export function keepalivedTest(texts: readonly string[]): Verdict[] {
  return withFiles(texts, (files) => {
    const loop = `for f; do keepalived -t -f "$f" >"$f.out" 2>&1; printf 'EXIT %s\\n' "$?"; cat "$f.out"; printf 'END\\n'; done`;
    const { stdout, stderr, status } = spawnSync('unshare', ['-rnm', 'sh', '-c', `${SURROUNDINGS}\n${loop}`, 'sh', ...files], { encoding: 'utf8', maxBuffer: 1 << 28 });
    const verdicts = [...stdout.matchAll(/^EXIT (\d+)\n([^]*?)^END$/gm)].map(([, code, messages = '']): Verdict => ({ code: Number(code), messages }));
    if (status !== 0 || verdicts.length !== texts.length) throw new Error(`keepalived cannot be tried here (unshare, ip and keepalived are needed): ${stderr}${stdout.slice(0, 500)}`);
    return verdicts;
  });
}

/** What a running keepalived says that it has read of VRRP (`--dump-conf`), one line for each thing. It ends as soon as it has written `last`. */
export function keepalivedDump(text: string, last: string): readonly string[] {
  return withFiles([text], ([file = '']) => {
    const run = [
      'mount -t tmpfs none /run',
      `keepalived -n -l -d -P -f "$1" -p /run/parent -r /run/vrrp >"$1.out" 2>&1 & pid=$!`,
      // As long as it lives and is not done.
      `while kill -0 $pid && ! grep -qF ${shellQuote(last)} "$1.out"; do sleep 0.05; done`,
      'kill $pid; wait $pid; cat "$1.out"',
    ].join('\n');
    const { stdout, stderr } = spawnSync('unshare', ['-rnmpf', '--kill-child', 'sh', '-c', `${SURROUNDINGS}\n${run}`, 'sh', file], { encoding: 'utf8', maxBuffer: 1 << 28 });
    if (!stdout.includes(last)) throw new Error(`keepalived cannot be run here: ${stderr}${stdout.slice(0, 2000)}`);
    return stdout.split('\n').map((line) => line.replace(/^\w{3} \w{3} +\d+ [\d:]+ \d{4}: ?/, ''));
  });
}

function withFiles<T>(texts: readonly string[], use: (files: readonly string[]) => T): T {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-keepalived-'));
  try {
    const files = texts.map((text, index) => {
      const file = path.join(dir, `${String(index)}.conf`);
      writeFileSync(file, text, { mode: 0o600 });
      return file;
    });
    return use(files);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
