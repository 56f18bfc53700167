import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LvsPlayError } from '../../../src/core/errors.ts';
import { type HoldMeans, Locks, type ToLock } from '../../../src/lock/hold.ts';
import { endScript, parseStatus, releaseScript, statusScript } from '../../../src/lock/script.ts';
import type { LockOwner } from '../../../src/lock/types.ts';
import { localTarget } from '../../../src/transport/local.ts';
import type { Target } from '../../../src/transport/target.ts';
import { connectionTo, removeDir, tempDir } from '../transport/sshd.ts';

const owner = (id: string): LockOwner => ({ version: 1, id, owner: 'alice@ops1', command: 'failover edge --drill stop', reason: undefined, since: '2026-11-29T20:00:00.000Z', expiry: 30, lasts: undefined });

describe('locks on hosts', () => {
  let dir: string;
  let targets: Target[];
  let told: string[];
  beforeEach(() => {
    dir = tempDir();
    targets = [];
    told = [];
  });
  afterEach(async () => {
    await Promise.all(targets.map((target) => target.close()));
    removeDir(dir);
  });

  /** One machine plays all hosts: each sees its own directory as the root of locks. */
  const rootOf = (host: string): string => path.join(dir, host, 'locks');
  const host = (name: string, own = true): ToLock => {
    mkdirSync(path.join(dir, name), { recursive: true });
    writeFileSync(path.join(dir, name, 'shell'), `#!/bin/sh\ncd ${path.join(dir, name)} && exec dash "$@"\n`, { mode: 0o755 });
    const target = localTarget(connectionTo({ port: 1, knownHosts: '', key: '' }, { host: name, type: 'local', shell: path.join(dir, name, 'shell') }));
    targets.push(target);
    return { host: name, target: () => Promise.resolve(target), become: false, own };
  };
  const gone = (name: string, own: boolean): ToLock => ({ host: name, target: () => Promise.reject(new LvsPlayError({ code: 'no-route', kind: 'unreachable', host: name, message: `${name}: no route` })), become: false, own });
  const hold = (id: string, means: Partial<HoldMeans> = {}): Locks => new Locks(owner(id), { root: 'locks', tell: (level, name, text) => told.push(`${level} ${name} ${text}`), signal: new AbortController().signal, ...means });
  const sh = (script: string): string => execFileSync('dash', { input: script, encoding: 'utf8' });
  const holder = (name: string): string | undefined => parseStatus(sh(statusScript(rootOf(name))))?.owner.id;

  it('are taken on all and given up on all', async () => {
    const locks = hold('a');
    await locks.take([host('lvs2'), host('lvs1')]);
    expect([holder('lvs1'), holder('lvs2')]).toEqual(['a', 'a']);
    await locks.release();
    expect([holder('lvs1'), holder('lvs2'), told]).toEqual([undefined, undefined, []]);
  });

  it('are on none when one is locked by somebody who lives', async () => {
    const first = hold('a', { beatSeconds: 2 });
    await first.take([host('lvs2')]);
    await expect(hold('b', { beatSeconds: 1 }).take([host('lvs1'), host('lvs2')])).rejects.toMatchObject({ code: 'locked', host: 'lvs2' });
    expect([holder('lvs1'), holder('lvs2')]).toEqual([undefined, 'a']);
    await first.release();
    expect(told[0]).toContain('waiting for the next one');
  });

  it('skip a host that is not worked on and cannot be reached, and say so; one that is worked on must be there', async () => {
    const locks = hold('a');
    await locks.take([host('lvs1'), gone('lvs2', false)]);
    expect(told).toEqual(['warning lvs2 lvs2: it is not locked: lvs2: no route']);
    await locks.release();
    await expect(hold('b', { beatSeconds: 1 }).take([host('lvs1'), gone('lvs2', true)])).rejects.toMatchObject({ code: 'no-route' });
    expect(holder('lvs1')).toBeUndefined();
  });

  it('tell when one is not theirs any more', async () => {
    const locks = hold('a');
    await locks.take([host('lvs1')]);
    sh(releaseScript('a', rootOf('lvs1')));
    expect(locks.lost).toBeUndefined();
    await locks.cameBack('lvs1');
    expect(locks.lost).toMatchObject({ code: 'lock-lost', host: 'lvs1' });
    await locks.release();
  });

  it('a host that answers slowly gets no second sign of life meanwhile, and does not keep the others waiting', async () => {
    const slow = host('lvs1');
    const target = await slow.target();
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => { answer = resolve; });
    const signs = { lvs1: 0, lvs2: 0 };
    const counted = (name: keyof typeof signs, own: Target, wait?: Promise<unknown>): Target => ({ ...own, request: async (request) => {
      if (request.lane === 'side') {
        signs[name] += 1;
        await wait;
      }
      return own.request(request);
    }, stats: () => own.stats(), reset: () => own.reset(), close: () => own.close() });
    const other = host('lvs2');
    const second = counted('lvs2', await other.target());
    const locks = hold('a', { beatSeconds: 0.02 });
    await locks.take([{ ...slow, target: () => Promise.resolve(counted('lvs1', target, answered)) }, { ...other, target: () => Promise.resolve(second) }]);
    await vi.waitFor(() => { expect(signs.lvs2).toBeGreaterThan(3); }, 30_000);
    expect(signs.lvs1).toBe(1);
    answer();
    await vi.waitFor(() => { expect(signs.lvs1).toBeGreaterThan(1); }, 30_000);
    await locks.release();
    expect([holder('lvs1'), holder('lvs2')]).toEqual([undefined, undefined]);
  });

  it('are refused on a host that another run has changed since it was asked, where that matters', async () => {
    const before = hold('a');
    await before.take([host('lvs1')]);
    const askedAt = Date.now() - 2000;
    await before.release(() => endScript('a', { result: 'ok' }, 'locks'));
    await expect(hold('b', { askedAt }).take([host('lvs1')])).rejects.toMatchObject({ code: 'changed-meanwhile' });
    expect(holder('lvs1')).toBeUndefined();
    const drill = hold('c');
    await drill.take([host('lvs1')]);
    expect(holder('lvs1')).toBe('c');
    await drill.release();
  });
});
