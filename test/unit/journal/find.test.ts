import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRun } from '../../../src/journal/read.ts';

const FIRST = '20261129-100000-aaaa';
const SECOND = '20261129-110000-bbbb';
const THIRD = '20261129-120000-bbbc';

describe('the run that is meant', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-journal-'));
    for (const [id, cwd, inventory] of [[FIRST, '/srv/a', 'hosts.yml'], [SECOND, '/srv', '/srv/a/hosts.yml'], [THIRD, '/srv/b', 'hosts.yml']] as const) {
      mkdirSync(path.join(root, id));
      writeFileSync(path.join(root, id, 'run.json'), JSON.stringify({ version: 1, id, cwd, options: { inventories: [inventory] } }));
    }
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  it.each([
    ['last', [], THIRD],
    // Of two clusters, the one that is asked for.
    ['last', ['/srv/a/hosts.yml'], SECOND],
    ['last', ['/etc/other', '/srv/b/hosts.yml'], THIRD],
    [FIRST, ['/srv/b/hosts.yml'], FIRST],
    ['20261129-10', [], FIRST],
  ])('%s of %j', async (wanted, inventories, expected) => {
    expect((await findRun(root, wanted, inventories)).header.id).toBe(expected);
  });

  it.each([
    ['last', ['/etc/other'], 'the journal knows no run with /etc/other'],
    ['20261129-1', [], '20261129-1 is the beginning of 3 runs'],
    ['2025', [], 'the journal knows no run 2025'],
  ])('there is none, or more than one: %s of %j', async (wanted, inventories, message) => {
    await expect(findRun(root, wanted, inventories)).rejects.toMatchObject({ code: 'unknown-run', kind: 'usage', message });
  });

  it('an empty journal is called so', async () => {
    await expect(findRun(path.join(root, 'none'), 'last', ['/srv/a/hosts.yml'])).rejects.toThrow('the journal is empty');
  });
});
