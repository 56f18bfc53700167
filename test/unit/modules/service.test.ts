import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import type { UnitState } from '../../../src/facts/system/unit.ts';
import { loadModule } from '../../../src/modules/registry.ts';
import { contextOf, play } from './support.ts';

const running: UnitState = { exists: true, active: true, enabled: 'enabled', needsReload: false };
const absent: UnitState = { exists: false, active: false, enabled: '', needsReload: false };

/** Changes as `what: before -> after`, and the commands, without `systemctl`. */
async function told(args: JsonObject, unit: UnitState): Promise<{ changes: string[]; commands: string[] }> {
  const { changes, steps } = await play(await loadModule('service'), { name: 'nginx', ...args }, () => unit, contextOf('rs1'));
  return {
    changes: changes.map(({ path, before, after }) => `${path.replace('nginx.service ', '')}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`.replaceAll('"', '')),
    commands: steps.map((step) => {
      expect(step.stale).toContainEqual({ fact: 'unit', key: step.kind === 'exec' && step.argv[1] === 'daemon-reload' ? '*' : 'nginx.service' });
      return step.kind === 'exec' ? step.argv.slice(1).join(' ').replace('nginx.service', 'U') : step.kind;
    }),
  };
}

describe('service', () => {
  it.each<[JsonObject, Partial<UnitState>, string[], string[]]>([
    [{ state: 'started', enabled: true }, {}, [], []],
    [{ state: 'started', enabled: true }, { active: false, enabled: 'disabled' }, ['enabled: false -> true', 'state: inactive -> active'], ['enable U', 'start U']],
    [{ state: 'stopped', enabled: false }, {}, ['enabled: true -> false', 'state: active -> inactive'], ['disable U', 'stop U']],
    [{ state: 'restarted' }, {}, ['state: active -> restarted'], ['restart U']],
    [{ state: 'reloaded' }, {}, ['state: active -> reloaded'], ['reload U']],
    // A handler may be notified before the service was ever started.
    [{ state: 'reloaded' }, { active: false }, ['state: inactive -> active'], ['start U']],
    [{ masked: true, state: 'stopped' }, {}, ['masked: false -> true', 'state: active -> inactive'], ['mask U', 'stop U']],
    [{ masked: false, enabled: true, state: 'started' }, { enabled: 'masked', active: false }, ['masked: true -> false', 'enabled: false -> true', 'state: inactive -> active'], ['unmask U', 'enable U', 'start U']],
    // Others decide about these; systemctl does nothing.
    [{ enabled: true }, { enabled: 'static' }, [], []],
    [{ enabled: false }, { enabled: 'generated' }, [], []],
    [{ daemon_reload: true }, {}, [], []],
    [{ daemon_reload: true }, { needsReload: true }, ['definition: older than its file -> read again'], ['daemon-reload']],
    [{ state: 'restarted' }, { needsReload: true }, ['state: active -> restarted'], ['daemon-reload', 'restart U']],
    [{ state: 'started' }, { needsReload: true }, [], []],
  ])('%j on %j', async (args, unit, changes, commands) => {
    expect(await told(args, { ...running, ...unit })).toEqual({ changes, commands });
  });

  it('lets systemctl say that there is no such unit', async () => {
    expect(await told({ state: 'started' }, absent)).toEqual({ changes: ['state: inactive -> active'], commands: ['start U'] });
  });

  it('says what stopping and restarting cost', async () => {
    const module = await loadModule('service');
    const impact = async (state: string) => (await play(module, { name: 'nginx', state }, () => running, contextOf('rs1'))).changes.map((change) => change.impact);
    expect(await impact('stopped')).toEqual(['stops nginx']);
    expect(await impact('restarted')).toEqual(['restarts nginx']);
  });
});
