import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import type { UnitState } from '../../../src/facts/system/unit.ts';
import { loadModule } from '../../../src/modules/registry.ts';
import { bare, contextOf, play } from './support.ts';

/** Carried out by the real systemctl, on the unit files of a directory: what needs no running systemd. */
let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-units-'));
  const units = path.join(root, 'usr/lib/systemd/system');
  mkdirSync(units, { recursive: true });
  mkdirSync(path.join(root, 'etc/systemd/system'), { recursive: true });
  writeFileSync(path.join(units, 'x.service'), '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n');
  writeFileSync(path.join(units, 'multi-user.target'), '[Unit]\nDescription=target\n');
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function systemctl(...words: readonly string[]): void {
  execFileSync('systemctl', [`--root=${root}`, ...words], { stdio: 'ignore' });
}

function state(): string {
  try {
    return execFileSync('systemctl', [`--root=${root}`, 'is-enabled', 'x.service'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch (error) {
    // is-enabled exits with 1 for every answer but enabled.
    return (error as { stdout: string }).stdout.trim();
  }
}

async function deploy(args: JsonObject): Promise<void> {
  const unit: UnitState = { exists: true, active: false, enabled: state(), needsReload: false };
  const session = await play(await loadModule('service'), { name: 'x', ...args }, (fact, key) => (fact === 'unit' ? unit : bare(fact, key)), contextOf('rs1'));
  for (const step of session.steps) if (step.kind === 'exec') systemctl(...step.argv.slice(1));
  const after: UnitState = { ...unit, enabled: state() };
  const again = await play(await loadModule('service'), { name: 'x', ...args }, (fact, key) => (fact === 'unit' ? after : bare(fact, key)), contextOf('rs1'));
  expect(again.changes, 'nothing is left to do').toEqual([]);
}

it.each<[string, JsonObject, readonly string[], string]>([
  ['enables', { enabled: true }, [], 'enabled'],
  ['disables', { enabled: false }, ['enable'], 'disabled'],
  ['masks', { masked: true }, ['enable'], 'masked'],
  ['unmasks and enables', { masked: false, enabled: true }, ['mask'], 'enabled'],
  ['unmasks what was enabled before, and disables it', { masked: false, enabled: false }, ['enable', 'mask'], 'disabled'],
])('%s', async (_what, args, before, after) => {
  for (const verb of before) systemctl(verb, 'x.service');
  await deploy(args);
  expect(state()).toBe(after);
});

it('masks and disables: unmasked, it does not come back by itself', async () => {
  systemctl('enable', 'x.service');
  await deploy({ masked: true, enabled: false });
  expect(state()).toBe('masked');
  systemctl('unmask', 'x.service');
  expect(state()).toBe('disabled');
});

it.each<JsonObject>([{ masked: true, enabled: true }, { masked: true, state: 'started' }, { masked: true, state: 'restarted' }, { masked: true, state: 'reloaded' }])('refuses %j', async (args) => {
  const service = await loadModule('service');
  expect(() => service.facts({ name: 'x', ...args }, contextOf('rs1'))).toThrow(/cannot be masked and/);
});
