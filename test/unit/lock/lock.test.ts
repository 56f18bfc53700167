import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beatScript, endScript, parseRecords, parseStatus, parseTake, recordsScript, releaseScript, statusScript, takeScript } from '../../../src/lock/script.ts';
import type { LockOwner } from '../../../src/lock/types.ts';
import { duration, isStale, ownerText, stateText } from '../../../src/lock/words.ts';

const RUN: LockOwner = { version: 1, id: 'run-a', owner: "o'brien@ops1", command: 'deploy site.yml', reason: 'new "kernel" $(id)', since: '2026-11-23T14:02:11.000Z', expiry: 30, lasts: undefined };
const HAND: LockOwner = { ...RUN, id: 'hand', command: 'by hand', expiry: undefined };

describe.each([['dash', ['dash']], ['busybox sh', ['busybox', 'sh']]])('the lock of a host under %s', (_name, shell) => {
  let root: string;
  beforeEach(() => {
    root = path.join(mkdtempSync(path.join(os.tmpdir(), 'lvs-play-lock-')), 'state');
  });
  afterEach(() => {
    rmSync(path.dirname(root), { recursive: true, force: true });
  });

  function sh(script: string): string {
    const [command = '', ...args] = shell;
    return execFileSync(command, args, { input: script, encoding: 'utf8' });
  }

  function take(owner: LockOwner): ReturnType<typeof parseTake> {
    return parseTake(sh(takeScript(owner, root)));
  }

  /** As if the last sign of life had been so many seconds ago. */
  function grow(seconds: number): void {
    const [id = '', json = ''] = readFileSync(path.join(root, 'lock'), 'utf8').split('\n');
    writeFileSync(path.join(root, 'lock'), `${id}\n${json}\n${String(Math.floor(Date.now() / 1000) - seconds)}\n`);
    rmSync(path.join(root, 'lock.beat'), { force: true });
  }

  it('is taken by one, and the next is told who holds it and why', () => {
    expect(parseStatus(sh(statusScript(root)))).toBeUndefined();
    expect(take(RUN)).toEqual({ kind: 'taken', from: undefined, last: undefined });
    const refused = take({ ...RUN, id: 'run-b' });
    expect(refused).toMatchObject({ kind: 'held', lock: { owner: JSON.parse(JSON.stringify(RUN)) as LockOwner } });
    expect(parseStatus(sh(statusScript(root)))?.owner.reason).toBe('new "kernel" $(id)');
    expect(readdirSync(root).sort()).toEqual(['.mutex', 'lock']);
    // Under another name of the same machine.
    expect(take(RUN).kind).toBe('taken');
  });

  it("is nobody's when a loss of power has left an empty file", () => {
    take(RUN);
    writeFileSync(path.join(root, 'lock'), '');
    expect(parseStatus(sh(statusScript(root)))).toBeUndefined();
    writeFileSync(path.join(root, 'lock'), '');
    expect(take({ ...RUN, id: 'run-b' })).toEqual({ kind: 'taken', from: undefined, last: undefined });
    expect(parseStatus(sh(statusScript(root)))?.owner.id).toBe('run-b');
  });

  it('is given to exactly one of many who try at the same time', () => {
    take(RUN);
    grow(31);
    // All of them find it too old in the same moment.
    const tries = Array.from({ length: 8 }, (_, index) => `( ${shell.join(' ')} <<'END${String(index)}' >${root}/../out${String(index)}\n${takeScript({ ...RUN, id: `run-${String(index)}` }, root)}\nEND${String(index)}\n) &`);
    sh(`${tries.join('\n')}\nwait`);
    const replies = Array.from({ length: 8 }, (_, index) => parseTake(readFileSync(path.join(root, '..', `out${String(index)}`), 'utf8')));
    const winners = replies.flatMap((reply, index) => (reply.kind === 'taken' ? [`run-${String(index)}`] : []));
    expect(winners).toHaveLength(1);
    expect(parseStatus(sh(statusScript(root)))?.owner.id).toBe(winners[0]);
  });

  it("is taken over when its owner gave no sign of life for too long, and whose it was is told; the old owner's next sign fails", () => {
    take(RUN);
    grow(29);
    expect(take({ ...RUN, id: 'run-b' }).kind).toBe('held');
    grow(31);
    expect(take({ ...RUN, id: 'run-b' })).toMatchObject({ kind: 'taken', from: { owner: { id: 'run-a' } } });
    expect(() => sh(beatScript('run-a', root))).toThrow();
    sh(beatScript('run-b', root));
    expect(parseRecords(sh(recordsScript(root))).map(({ owner, end }) => [owner.id, end['result']])).toEqual([['run-a', 'died']]);
    sh(releaseScript('run-a', root));
    expect(parseStatus(sh(statusScript(root)))?.owner.id).toBe('run-b');
  });

  it('a sign of life makes it young again', () => {
    take(RUN);
    grow(20);
    sh(beatScript('run-a', root));
    expect(parseStatus(sh(statusScript(root)))?.age).toBeLessThan(10);
  });

  it('a sign of life needs no program but date', () => {
    take(RUN);
    grow(20);
    const bin = path.join(root, '..', 'bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(execFileSync('sh', ['-c', 'command -v date'], { encoding: 'utf8' }).trim(), path.join(bin, 'date'));
    sh(`PATH=${bin}\n${beatScript('run-a', root)}`);
    expect(parseStatus(sh(statusScript(root)))?.age).toBeLessThan(10);
  });

  it('how long ago the last run ended is told by the clock at the answer, however long the rest of it took', () => {
    take(RUN);
    sh(endScript('run-a', { result: 'ok' }, root));
    const bin = path.join(root, '..', 'slow');
    mkdirSync(bin, { recursive: true });
    writeFileSync(path.join(bin, 'sync'), '#!/bin/sh\nsleep 2\n', { mode: 0o755 });
    expect(parseTake(sh(`PATH=${bin}:$PATH\n${takeScript({ ...RUN, id: 'run-b' }, root)}`))).toMatchObject({ kind: 'taken', last: { run: 'run-a', age: expect.toSatisfy((age: number) => age >= 2) as number } });
  });

  it('does not grow eternal when the clock is set back', () => {
    take(RUN);
    grow(-3600);
    expect(take({ ...RUN, id: 'run-b' }).kind).toBe('taken');
  });

  it('by hand it lasts until it is released, or for the time given', () => {
    take(HAND);
    grow(1_000_000);
    expect(take(RUN).kind).toBe('held');
    sh(releaseScript('hand', root));
    take({ ...HAND, lasts: 60 });
    grow(59);
    expect(take(RUN).kind).toBe('held');
    grow(61);
    expect(take(RUN).kind).toBe('taken');
  });

  it('leaves records of the last hundred runs', () => {
    for (let run = 100; run < 204; run++) {
      mkdirSync(path.join(root, 'records'), { recursive: true });
      writeFileSync(path.join(root, 'records', `run-${String(run)}`), `${JSON.stringify({ ...RUN, id: `run-${String(run)}` })}\n{"result":"ok"}\n`);
    }
    take({ ...RUN, id: 'run-300' });
    sh(endScript('run-300', { result: 'failed' }, root));
    const ids = parseRecords(sh(recordsScript(root))).map(({ owner }) => owner.id);
    expect(ids).toHaveLength(100);
    expect([ids[0], ids[1], ids.at(-1)]).toEqual(['run-300', 'run-203', 'run-105']);
  });

  it('who takes it learns which run ended last, and when', () => {
    take(RUN);
    sh(endScript('run-a', { result: 'ok', message: "it's done" }, root));
    expect(parseRecords(sh(recordsScript(root)))).toMatchObject([{ owner: { id: 'run-a', owner: RUN.owner, reason: RUN.reason }, end: { result: 'ok', message: "it's done" } }]);
    const folder = path.join(root, 'runs', 'run-a');
    mkdirSync(folder, { recursive: true });
    const since = (): (string | undefined)[] => parseRecords(sh(recordsScript(root))).map((record) => record.since);
    expect(since()).toEqual([undefined]);
    for (const [file, text, told] of [['armed', '1 2', 'armed'], ['confirmed', '1', 'confirmed'], ['restored', 'restored guard 1 0', 'restored by its host'], ['restored', 'partly revert 1 2', 'partly reverted']] as const) {
      writeFileSync(path.join(folder, file), `${text}\n`);
      expect(since()).toEqual([told]);
    }
    const taken = take({ ...RUN, id: 'run-b' });
    expect(taken).toMatchObject({ kind: 'taken', last: { run: 'run-a' } });
    expect(taken.kind === 'taken' && (taken.last?.age ?? 99) < 20).toBe(true);
  });
});

describe('the words of a lock', () => {
  it('name owner, time, purpose and reason', () => {
    expect(ownerText(RUN)).toBe('o\'brien@ops1 since 2026-11-23 14:02 UTC (deploy site.yml, "new \\"kernel\\" $(id)", run run-a)');
    expect(ownerText({ ...HAND, reason: undefined })).toBe("o'brien@ops1 since 2026-11-23 14:02 UTC (by hand)");
  });

  it.each([
    [{ owner: RUN, age: 4 }, 'last sign of life 4 s ago', false],
    [{ owner: RUN, age: 45 }, 'dead: no sign of life for 45 s', true],
    [{ owner: HAND, age: 45 }, 'taken by hand, until it is released', false],
    [{ owner: { ...HAND, lasts: 7200 }, age: 600 }, 'taken by hand, for 110 min more', false],
    [{ owner: { ...HAND, lasts: 60 }, age: 600 }, 'taken by hand, and its time is over', true],
  ])('say how it stands: %o', (lock, text, stale) => {
    expect(stateText(lock)).toBe(text);
    expect(isStale(lock)).toBe(stale);
  });

  it.each([[3, '3 s'], [119, '119 s'], [600, '10 min'], [7200, '2 h'], [7500, '2 h 5 min']])('tell %d seconds', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});
