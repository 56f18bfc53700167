import { describe, expect, it } from 'vitest';
import { type DirectorNow, readinessFaults } from '../../../../src/apply/pair/director.ts';
import packages from '../../../../src/modules/system/package.ts';
import service from '../../../../src/modules/system/service.ts';
import type { ModuleDef } from '../../../../src/modules/contract.ts';
import type { VrrpInstance } from '../../../../src/lvs/change/config.ts';
import { contextOf, lived, play } from '../../modules/support.ts';
import { seen } from '../../observe/support.ts';

function director(state: string | undefined, alive = true): DirectorNow {
  const instance: VrrpInstance = { name: 'edge', state, virtualRouterId: 51, interface: 'eth0', priority: 100, advertInterval: 1000, password: undefined, vips: [], excluded: [] };
  return { host: 'lvs1', alive, state: 'failed (failed)', addresses: new Set(), running: { instances: [instance], services: [] }, table: { services: [] } };
}

describe('whether another director may be restarted', () => {
  it.each<[string, readonly DirectorNow[], string[]]>([
    ['it holds the virtual IPs', [director('MASTER')], []],
    ['it waits for them', [director('BACKUP')], []],
    ['its version does not tell', [{ ...director(undefined), running: undefined }], []],
    ['it could not take them', [director('FAULT')], ['edge on lvs1 is in state FAULT']],
    ['its daemon died', [director('MASTER', false)], ['keepalived on lvs1 is failed (failed)']],
    ['it is gone', [], ['lvs1 did not answer (connection refused)']],
  ])('%s', (_what, states, faults) => {
    expect(readinessFaults('lvs1', seen({ lvs1: states[0] }))).toEqual(faults);
  });
});

describe('what restarts keepalived', () => {
  const restarts = async (module: ModuleDef, args: Parameters<typeof play>[1], host = 'lvs1'): Promise<unknown> => {
    const session = await play(module, args, lived, contextOf(host));
    return module.pair?.(session.args, session.changes, session.store.reader(session.requests), contextOf(host));
  };

  it.each<[string, ModuleDef, Parameters<typeof play>[1], string | undefined]>([
    ['an upgrade', packages, { name: ['ipvsadm', 'keepalived'], state: 'latest' }, 'keepalived is upgraded'],
    ['a restart', service, { name: 'keepalived', state: 'restarted' }, 'keepalived is restarted'],
    ['no reload', service, { name: 'keepalived', state: 'reloaded' }, undefined],
    ['no restart of others', service, { name: 'nginx', state: 'restarted' }, undefined],
    ['no removal', packages, { name: 'keepalived', state: 'absent' }, undefined],
  ])('%s', async (_what, module, args, why) => {
    expect(await restarts(module, args)).toEqual(why === undefined ? undefined : { pairs: ['edge'], restarts: why });
    expect(await restarts(module, args, 'rs1')).toBeUndefined();
  });
});
