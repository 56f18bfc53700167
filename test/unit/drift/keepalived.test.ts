import { describe, expect, it } from 'vitest';
import { keepalivedFact } from '../../../src/facts/system/keepalived.ts';
import { classifyChange } from '../../../src/lvs/change/classify.ts';
import { confNodes, configOf } from '../../../src/lvs/change/config.ts';
import { textAsRunning } from '../../../src/lvs/change/running.ts';
import type { Change, Step } from '../../../src/modules/contract.ts';
import { loadModule } from '../../../src/modules/registry.ts';
import { contextOf, play } from '../modules/support.ts';
import { CONF, FILE, type Found, running, TABLE, TOPOLOGY, world } from './world.ts';

const module = await loadModule('keepalived');
const found = async (director: Found) => play(module, {}, world(director), contextOf('lvs1', TOPOLOGY));
const told = (changes: readonly Change[]) => changes.map(({ path, before, after }) => `${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`.replaceAll('"', ''));
const shown = async (director: Found) => told((await found(director)).changes);
const words = (steps: readonly Step[]) => steps.map((step) => (step.kind === 'exec' ? step.argv.join(' ') : step.kind === 'put' ? `put ${step.path}` : step.kind));
const line = (from: string, to: string): string[] => TABLE.flatMap((one) => (one !== from ? [one] : to === '' ? [] : [to]));

const [SERVICE = '', RS1 = '', RS2 = ''] = TABLE;
const WEB = 'ipvs TCP 192.168.0.38:80';

describe("the kernel's table, changed behind keepalived's back", () => {
  it.each<[string, Found, string[], string[]]>([
    ['as it should be', {}, [], []],
    ['a weight', { table: line(RS1, RS1.replace('-w 2', '-w 7')) }, [`${WEB} rs1 192.168.0.18:80: -g -w 7 -> -g -w 2 -x 100`], ['ipvsadm -e -t 192.168.0.38:80 -r 192.168.0.18:80 -g -w 2 -x 100']],
    ['a server gone', { table: line(RS2, '') }, [`${WEB} rs2 192.168.0.28:80: null -> -g -w 1`], ['ipvsadm -a -t 192.168.0.38:80 -r 192.168.0.28:80 -g -w 1']],
    ['a server too many', { table: [...TABLE.slice(0, 3), RS2.replace('.28:', '.99:'), ...TABLE.slice(3)] }, [`${WEB} 192.168.0.99:80: -g -w 1 -> null`], ['ipvsadm -d -t 192.168.0.38:80 -r 192.168.0.99:80']],
    ['another scheduler', { table: line(SERVICE, SERVICE.replace('wrr', 'rr')) }, [`${WEB}: -s rr -p 300 -> -s wrr -p 300`], ['ipvsadm -E -t 192.168.0.38:80 -s wrr -p 300']],
    ['other seconds of persistence', { table: line(SERVICE, SERVICE.replace('300', '60')) }, [`${WEB}: -s wrr -p 60 -> -s wrr -p 300`], ['ipvsadm -E -t 192.168.0.38:80 -s wrr -p 300']],
    ['another way to a server', { table: line(RS2, RS2.replace('-g', '-m')) }, [`${WEB} rs2 192.168.0.28:80: -m -w 1 -> -g -w 1`], ['ipvsadm -e -t 192.168.0.38:80 -r 192.168.0.28:80 -g -w 1']],
    ['a service gone', { table: TABLE.slice(3) }, [`${WEB}: null -> -s wrr -p 300`, `${WEB} rs1 192.168.0.18:80: null -> -g -w 2 -x 100`, `${WEB} rs2 192.168.0.28:80: null -> -g -w 1`], ['ipvsadm -A -t 192.168.0.38:80 -s wrr -p 300', 'ipvsadm -a -t 192.168.0.38:80 -r 192.168.0.18:80 -g -w 2 -x 100', 'ipvsadm -a -t 192.168.0.38:80 -r 192.168.0.28:80 -g -w 1']],
  ])('%s', async (_what, director, changes, steps) => {
    const played = await found(director);
    expect(told(played.changes)).toEqual(changes);
    expect(words(played.steps)).toEqual(steps);
    expect(played.diff(played.next)).toEqual([]);
    expect(module.pair?.(played.args, played.changes, played.store.reader(played.requests), contextOf('lvs1', TOPOLOGY))).toBeUndefined();
  });

  it.each<[string, Found]>([
    ['a health check took a server out', { table: line(RS2, ''), health: { '192.168.0.28:80': [false, 1] } }],
    ['a health check inhibits a server', { table: line(RS2, RS2.replace('-w 1', '-w 0')), health: { '192.168.0.28:80': [true, 0] } }],
    ['a script gave a server another weight', { table: line(RS1, RS1.replace('-w 2', '-w 5')), health: { '192.168.0.18:80': [true, 5] } }],
    ['the quorum is lost', { table: [SERVICE], up: false, health: { '192.168.0.18:80': [false, 2], '192.168.0.28:80': [false, 1] } }],
    ['the sorry server serves', { table: [SERVICE, RS1.replace('.18:', '.77:')], up: false, health: { '192.168.0.18:80': [false, 2], '192.168.0.28:80': [false, 1] } }],
    ['a server went just before keepalived was asked', { tables: [TABLE, line(RS2, '')], health: { '192.168.0.28:80': [false, 1] } }],
    ['a server came just before keepalived was asked', { table: line(RS2, ''), tables: [line(RS2, ''), TABLE] }],
    ['a server went just after', { tables: [TABLE, line(RS2, '')] }],
    ['keepalived tells nothing', { table: [], silent: true }],
    ['keepalived does not run', { table: [], active: false }],
  ])('is not what it is when %s', async (_what, director) => {
    expect(await shown(director)).toEqual([]);
  });

  it('a check failed and somebody put the server back: keepalived is believed', async () => {
    expect(await shown({ health: { '192.168.0.28:80': [false, 1] } })).toEqual([`${WEB} rs2 192.168.0.28:80: -g -w 1 -> null`.replace('rs2 ', '')]);
  });
});

describe('a keepalived that runs something else than its file', () => {
  const OTHER = FILE.replace('weight 2', 'weight 9').replace('priority 100', 'priority 120');

  it('reads it again, and the plan says what changes', async () => {
    const played = await found({ read: OTHER, table: line(RS1, RS1.replace('-w 2', '-w 9')) });
    expect(played.changes).toEqual([
      { path: 'running configuration: edge priority', before: '120', after: '100', impact: 'reloads keepalived' },
      { path: 'running configuration: TCP 192.168.0.38:80 192.168.0.18:80 weight', before: '9', after: '2' },
    ]);
    expect(words(played.steps)).toEqual([`put ${CONF}`, 'systemctl reload keepalived.service']);
    expect(played.diff(played.next)).toEqual([]);
  });

  it('shows no password', async () => {
    const { changes } = await found({ read: FILE.replace('virtual_router_id 51', 'virtual_router_id 51\n authentication {\n auth_type PASS\n auth_pass tested\n }') });
    expect(changes).toMatchObject([{ path: 'running configuration: edge password', sensitive: true }]);
    expect(JSON.stringify(changes)).not.toContain('tested');
  });

  it.each<[string, Found, string[]]>([
    ['written a moment ago: a reload takes a second or two', { read: OTHER, fileAge: 3 }, []],
    ['of an unknown age', { read: OTHER.replace('weight 9', 'weight 2'), fileAge: null }, ['running configuration: edge priority']],
    ['edited by hand and not read', { file: OTHER }, [CONF]],
    ['edited by hand and read', { file: OTHER, read: OTHER, table: line(RS1, RS1.replace('-w 2', '-w 9')) }, [CONF]],
    ['edited, while something third runs', { file: OTHER, read: FILE.replace('priority 100', 'priority 7') }, [CONF, 'running configuration: edge priority']],
    ['edited and read, and a weight changed too', { file: OTHER, read: OTHER, table: TABLE.map((one) => (one === RS1 ? RS1.replace('-w 2', '-w 4') : one)) }, [CONF, `${WEB} rs1 192.168.0.18:80`]],
    ['edited and read, and the table changed too', { file: OTHER, read: OTHER, table: line(RS2, '').map((one) => (one === RS1 ? RS1.replace('-w 2', '-w 9') : one)) }, [CONF, `${WEB} rs2 192.168.0.28:80`]],
  ])('a file %s', async (_what, director, paths) => {
    expect((await found(director)).changes.map(({ path }) => path)).toEqual(paths);
  });

  it('what a normal deploy changes is a change of the file alone, settings of the kernel included', async () => {
    const older = FILE.replace('lb_algo wrr', 'lb_algo rr').replace('uthreshold 100', 'uthreshold 50').replace('persistence_timeout 300', 'persistence_timeout 60');
    expect(older).not.toBe(FILE);
    const table = TABLE.map((one) => (one === SERVICE ? SERVICE.replace('wrr', 'rr').replace('300', '60') : one));
    expect((await found({ file: older, read: older, table })).changes.map(({ path }) => path)).toEqual([CONF]);
  });

  it.each<[string, string, string]>([
    ['priority 100', 'priority 120', 'serial'],
    ['192.168.0.38/32', '192.168.0.39/32', 'simultaneous'],
    ['virtual_router_id 51', 'virtual_router_id 52', 'disruptive'],
  ])('%s run as %s: the members go about it as for a %s change', async (from, to, how) => {
    expect(FILE).toContain(from);
    const played = await found({ read: FILE.replace(from, to) });
    const activation = module.pair?.(played.args, played.changes, played.store.reader(played.requests), contextOf('lvs1', TOPOLOGY));
    if (activation === undefined || 'restarts' in activation) throw new Error('no change of what runs');
    expect(classifyChange(activation.before, activation.after).class).toBe(how);
  });

  it.each([
    ['priority 100', 'priority 120'],
    ['virtual_router_id 51', 'virtual_router_id 52\n advert_int 2\n authentication {\n auth_type PASS\n auth_pass tested\n }'],
    ['192.168.0.38/32', '192.168.0.38/32\n192.168.0.39/32'],
    ['weight 2', 'weight 9'],
    ['real_server 192.168.0.28 80', 'real_server 192.168.0.29 80'],
  ])('%j run as %j can be told as a file', (from, to) => {
    expect(FILE).toContain(from);
    const other = configOf(confNodes(FILE.replace(from, to), CONF));
    expect(configOf(confNodes(textAsRunning(FILE, other), CONF))).toEqual(other);
    expect(textAsRunning(FILE, configOf(confNodes(FILE, CONF)))).toBe(FILE);
  });
});

it('nothing of what keepalived told is kept in a plan', () => {
  expect(keepalivedFact.aspects?.(running({}), CONF)).toEqual({});
});
