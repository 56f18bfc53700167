import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLines } from '../../../../../src/lvs/keepalived/conf/lines.ts';
import { printLines } from '../../../../../src/lvs/keepalived/conf/print.ts';
import { type ConfNode, linesOf, treeOf } from '../../../../../src/lvs/keepalived/conf/tree.ts';
import { keepalivedSurroundings } from '../real.ts';
import { expandedSample, readSample, REFUSED, SAMPLE_NAMES, SAMPLES, sampleVariants } from './samples.ts';

const names = SAMPLE_NAMES;

let dir: string;
let results: ReadonlyMap<string, { code: number; messages: string; dump: string }>;

function variants(name: string): Readonly<Record<string, string>> {
  return sampleVariants(name, os.hostname());
}

/** Runs `keepalived -t` and, for VRRP, a keepalived that dumps what it has read, on every file, in one namespace. */
beforeAll(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-samples-'));
  cpSync(SAMPLES, dir, { recursive: true });
  const files: string[] = [];
  for (const name of names) {
    for (const [variant, text] of Object.entries(variants(name))) {
      files.push(`${name}.${variant}`);
      writeFileSync(path.join(dir, `${name}.${variant}`), text);
    }
  }
  const script = `${keepalivedSurroundings()}
    mount -t tmpfs none /run
    cd "$1"; shift
    for f; do
      keepalived -t -f "$PWD/$f" >"$f.test" 2>&1; echo $? >"$f.code"
      : >"$f.dump"
      # Without VRRP there is nothing to dump; checkers would need IPVS, and with BFD another process writes into it at any moment.
      if [ "$(cat "$f.code")" = 0 ] && grep -q 'vrrp_instance' "$f" && ! grep -q 'bfd_instance' "$f"; then
        # Killed at the end, it leaves its files behind.
        rm -f /run/parent /run/vrrp
        keepalived -n -l -d -P -f "$PWD/$f" -p /run/parent -r /run/vrrp >"$f.dump" 2>&1 & pid=$!
        # The interfaces come last; ten seconds are the bound.
        i=0; while [ $i -lt 100 ] && ! grep -q 'Name = eth1' "$f.dump"; do i=$((i + 1)); sleep 0.1; done
        kill -9 "$(cat /run/vrrp)" "$pid"; wait "$pid"
      fi
    done 2>/dev/null`;
  const run = spawnSync('unshare', ['-rnmpf', '--kill-child', 'sh', '-c', script, 'sh', dir, ...files], { encoding: 'utf8', timeout: 150_000 });
  if (run.error !== undefined) throw run.error;
  results = new Map(
    files.map((file) => {
      const content = (kind: string): string => readFileSync(path.join(dir, `${file}.${kind}`), 'utf8');
      return [file, { code: Number(content('code')), messages: messagesOf(content('test'), file), dump: dumpOf(content('dump')) }];
    }),
  );
});

afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** Messages without the places they are about. */
function messagesOf(output: string, file: string): string {
  return output.replaceAll(path.join(dir, file), 'FILE').replaceAll(/\(?(?:FILE: )?Line \d+\)/g, '');
}

/**
 * What a keepalived has read: the lines of its dump, which begin with a blank, sorted, as its processes write side by side; without what
 * is of the run and of the interfaces, which come last.
 */
function dumpOf(output: string): string {
  const lines = output.split('\n').map((line) => line.replace(/^\w{3} \w{3} +\d+ [\d:]+ \d{4}: ?/, ''));
  const interfaces = lines.findIndex((line) => /^ Name = lo$/.test(line));
  if (interfaces < 0) return '';
  // Its two processes both tell the general part, if they come to it.
  return [...new Set(lines.slice(0, interfaces))]
    .filter((line) => line.startsWith(' ') && !/^ {10,}'/.test(line) && !/discriminator|jitter|Current processes|Have quorum|Status =|Last status|pid/i.test(line))
    .sort()
    .join('\n');
}

describe.each(names)('%s', (name) => {
  it('is accepted as written, as printed and as resolved, and means the same', () => {
    const written = results.get(`${name}.written`);
    expect(written?.code, written?.messages).toBe(REFUSED[name] ?? 0);
    for (const variant of Object.keys(variants(name)).filter((one) => one !== 'written')) {
      const other = results.get(`${name}.${variant}`);
      expect([other?.code, other?.messages], variant).toEqual([written?.code, written?.messages]);
      expect(other?.dump, variant).toBe(written?.dump);
      if (written?.code === 0 && readSample(name).includes('vrrp_instance') && !readSample(name).includes('bfd_instance')) expect(other?.dump).toContain('VRRP Instance = ');
    }
  });

  it('prints the same again, and loses neither word nor comment', () => {
    const text = readSample(name);
    const once = printLines(parseLines(text, name));
    expect(printLines(parseLines(once, name))).toBe(once);
    const bare = (one: string): string => one.replaceAll(/\s|\\$/gm, '');
    expect(bare(once)).toBe(bare(text));
  });

  it('has the same blocks after printing', () => {
    if (name in REFUSED) {
      expect(() => treeOf(parseLines(readSample(name), name))).not.toThrow();
      return;
    }
    const tree = expandedSample(name, os.hostname());
    const again = treeOf(parseLines(printLines(linesOf(tree)), name));
    expect(shape(again)).toEqual(shape(tree));
  });
});

function shape(nodes: readonly ConfNode[]): unknown {
  return nodes.map(({ words, body }) => (body === undefined ? words : [words, shape(body)]));
}

it('there are forty and more', () => {
  expect(names.length).toBeGreaterThanOrEqual(40);
});
