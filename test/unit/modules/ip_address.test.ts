import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { addressFact } from '../../../src/facts/network/address.ts';
import { contentOf } from '../../../src/facts/files/content.ts';
import type { Step } from '../../../src/modules/contract.ts';
import { loadModule, validateArgs } from '../../../src/modules/registry.ts';
import { renderSteps } from '../../../src/modules/render-steps.ts';
import { bare, contextOf, play, type World } from './support.ts';

const UNIT = 'lvs-play-address-lo-192.168.0.38_32.service';
const FILE = `/etc/systemd/system/${UNIT}`;
const VIP: JsonObject = { interface: 'lo', address: '192.168.0.38/32' };

const ours = await play(await loadModule('ip_address'), VIP, bare, contextOf('rs1'));
const unitText = ours.steps.flatMap((step) => (step.kind === 'put' ? [Buffer.from(step.content).toString()] : [])).join();

/** A host with these addresses on lo, this text in our unit's file (null: none), and the unit so. */
const host = (addresses: readonly string[], text: string | null, enabled: string): World => (fact, key) => {
  const answers: Readonly<Record<string, Json>> = {
    address: { exists: true, addresses },
    unit: { exists: text !== null, active: false, enabled, needsReload: false },
    ...(text === null ? {} : { content: contentOf(Buffer.from(text)) }),
  };
  return answers[fact] ?? bare(fact, key);
};

const words = (steps: readonly Step[]) => steps.map((step) => (step.kind === 'exec' ? step.argv.join(' ') : step.kind === 'put' ? `put ${step.path} ${step.mode ?? ''}` : step.kind));

const REPLACE = 'ip address replace 192.168.0.38/32 dev lo';
const DELETE = 'ip address delete 192.168.0.38/32 dev lo';
const WRITE = [`put ${FILE} 0644`, 'systemctl daemon-reload'];
const ENABLE = `systemctl enable ${UNIT}`;
const FORGET = [`systemctl disable ${UNIT}`, `rm -f -- ${FILE}`, 'systemctl daemon-reload'];

describe('ip_address', () => {
  it.each<[string, JsonObject, World, string[]]>([
    ['nothing there', {}, host([], null, ''), [REPLACE, ...WRITE, ENABLE]],
    ['all there', {}, host(['192.168.0.38/32'], unitText, 'enabled'), []],
    ['there until the next boot', {}, host(['192.168.0.38/32'], null, ''), [...WRITE, ENABLE]],
    ['lost at run time', {}, host(['127.0.0.1/8'], unitText, 'enabled'), [REPLACE]],
    ['not started at boot', {}, host(['192.168.0.38/32'], unitText, 'disabled'), [ENABLE]],
    ['an older unit', {}, host(['192.168.0.38/32'], 'old', 'enabled'), WRITE],
    ['the same address with another prefix', {}, host(['192.168.0.38/24'], unitText, 'enabled'), [REPLACE]],
    ['no longer for the next boot', { persistent: false }, host(['192.168.0.38/32'], unitText, 'enabled'), FORGET],
    ['for now only', { persistent: false }, host([], null, ''), [REPLACE]],
    ['gone, all of it', { state: 'absent' }, host(['192.168.0.38/32'], unitText, 'enabled'), [DELETE, ...FORGET]],
    ['gone at run time already', { state: 'absent' }, host([], unitText, 'enabled'), FORGET],
    ['never there', { state: 'absent' }, host(['127.0.0.1/8'], null, ''), []],
  ])('%s', async (_name, args, world, expected) => {
    const { steps } = await play(await loadModule('ip_address'), { ...VIP, ...args }, world, contextOf('rs1'));
    expect(words(steps)).toEqual(expected);
  });

  it('waits for no device when it is lo that is meant', () => {
    expect(unitText).not.toContain('BindsTo');
    expect(unitText).toContain('ExecStart=/sbin/ip address replace 192.168.0.38/32 dev lo\n');
  });

  it('names a device as systemd does', async () => {
    const { steps } = await play(await loadModule('ip_address'), { interface: 'br-lan.7', address: '10.0.0.8/24' }, bare, contextOf('rs1'));
    const text = steps.flatMap((step) => (step.kind === 'put' ? [Buffer.from(step.content).toString()] : [])).join();
    expect(text).toContain('BindsTo=sys-subsystem-net-devices-br\\x2dlan.7.device\n');
  });

  it.each(['lo; reboot', 'a b', '', 'sixteen-letters-', '$(id)', 'a/b'])('takes no interface named %j', async (name) => {
    const args: JsonObject = { ...VIP, interface: name };
    await expect(validateArgs(await loadModule('ip_address'), { value: args, locate: () => undefined })).rejects.toMatchObject({ kind: 'input' });
  });

  it.each(['192.168.0.38/32', '2001:DB8:0:0::38/128', 'fd00:0:0:1:0:0:0:1/64'])('puts %s on lo and finds it there again', async (address) => {
    const module = await loadModule('ip_address');
    const inside = { interface: 'lo', address, persistent: false };
    const put = await play(module, inside, bare, contextOf('rs1'));
    // A network of its own, which ends with the process.
    const { stdout, status } = spawnSync('unshare', ['-n', 'dash'], { input: `ip link set lo up\n( ${renderSteps(put.steps, 'abcdef')} ) </dev/null >/dev/null 2>&1\n${addressFact.script(['lo'])}\n` });
    expect(status).toBe(0);
    const seen = addressFact.parse(stdout, ['lo']).get('lo');
    const { changes } = await play(module, inside, (fact, key) => (fact === 'address' ? (seen ?? null) : bare(fact, key)), contextOf('rs1'));
    expect(changes).toEqual([]);
    const removed = await play(module, { ...inside, state: 'absent' }, (fact, key) => (fact === 'address' ? (seen ?? null) : bare(fact, key)), contextOf('rs1'));
    expect(removed.changes).toHaveLength(1);
  });
});
