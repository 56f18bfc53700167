import { describe, expect, it } from 'vitest';
import { classifyChange, masterDown, quiesced } from '../../../../src/lvs/change/classify.ts';
import { configOf, confNodes } from '../../../../src/lvs/change/config.ts';
import { configDifferences } from '../../../../src/lvs/change/differences.ts';
import { renderKeepalived } from '../../../../src/lvs/keepalived/render.ts';
import { keepalivedVersion } from '../../../../src/lvs/keepalived/version.ts';
import { EXAMPLE, topologyOf } from '../support.ts';

function render(yaml: string, host = 'lvs1'): string {
  const version = keepalivedVersion('2.2.7');
  if (version === undefined) throw new Error('no version');
  return renderKeepalived(topologyOf(yaml), host, version);
}

function edited(from: string, to: string): string {
  expect(EXAMPLE).toContain(from);
  return render(EXAMPLE.replace(from, to));
}

const BEFORE = render(EXAMPLE);
const INSTANCE = '    vips: [192.168.0.38]';

describe('a change of keepalived.conf', () => {
  it.each([
    ['nothing', INSTANCE, INSTANCE, 'none', []],
    ['a weight', 'rs1: { weight: 1 }', 'rs1: { weight: 5 }', 'serial', []],
    ['a scheduler', 'scheduler: rr', 'scheduler: wlc', 'serial', []],
    ['a health check', '    scheduler: rr', '    scheduler: rr\n    health_check: { type: tcp, connect_timeout: 1 }', 'serial', []],
    ['a priority', 'lvs1: { priority: 100 }', 'lvs1: { priority: 120 }', 'serial', []],
    ['no preemption', INSTANCE, `${INSTANCE}\n    preempt: false`, 'serial', []],
    ['an excluded virtual IP', INSTANCE, `${INSTANCE}\n    excluded_vips: [192.168.0.99]`, 'serial', []],
    ['a virtual IP', INSTANCE, '    vips: [192.168.0.38, 192.168.0.39]', 'simultaneous', ['edge: the virtual IPs change']],
    ['a password', INSTANCE, `${INSTANCE}\n    auth_pass: secret`, 'simultaneous', ['edge: the password changes']],
    ['advert_int', INSTANCE, `${INSTANCE}\n    advert_int: 2`, 'simultaneous', ['edge: advert_int changes']],
    ['unicast', INSTANCE, `${INSTANCE}\n    unicast: true`, 'simultaneous', ['edge: the unicast peers change', 'edge: the source of the adverts changes']],
    ['the VRRP version', INSTANCE, `${INSTANCE}\n    version: 3`, 'simultaneous', ['edge: the VRRP version changes']],
    ['virtual_router_id', 'virtual_router_id: 51', 'virtual_router_id: 52', 'disruptive', ['edge: the virtual_router_id changes']],
    ['the interface', 'interface: eth0', 'interface: eth1', 'disruptive', ['edge: the interface changes']],
  ] as const)('%s', (_name, from, to, how, reasons) => {
    const change = classifyChange(BEFORE, edited(from, to));
    expect(change.class).toBe(how);
    // Some changes bring others along.
    expect(change.reasons).toEqual(expect.arrayContaining([...reasons]));
    expect(change.outage).toBeCloseTo(how === 'disruptive' ? 3.61 : 0, 2);
    expect(change.leaving.size).toBe(0);
  });

  it('takes the strongest of several, and says only what decides', () => {
    const change = classifyChange(BEFORE, render(EXAMPLE.replace('virtual_router_id: 51', 'virtual_router_id: 52').replace(INSTANCE, '    vips: [192.168.0.39]').replace('address: 192.168.0.38:80', 'address: 192.168.0.39:80')));
    expect(change).toMatchObject({ class: 'disruptive', reasons: ['edge: the virtual_router_id changes'] });
  });

  it('comments and blanks are no change', () => {
    expect(classifyChange(BEFORE, `# by hand\n${BEFORE.replaceAll('    ', '\t')}`).class).toBe('none');
  });

  it('names the real servers that leave, and quiesces them without touching the others', () => {
    const { leaving, class: how } = classifyChange(BEFORE, edited('      rs2: { weight: 1 }\n', ''));
    expect(how).toBe('serial');
    expect([...leaving]).toEqual([['TCP 192.168.0.38:80', ['192.168.0.28:80']]]);
    const interim = quiesced(BEFORE, leaving);
    expect(configDifferences(configOf(confNodes(interim, 'f')), configOf(confNodes(BEFORE, 'f')))).toEqual(['TCP 192.168.0.38:80: 192.168.0.28:80 has weight 0, not 1']);
    expect(classifyChange(BEFORE, interim)).toMatchObject({ class: 'serial' });
    expect(interim).toContain('managed by lvs-play');
  });

  it('a service that goes as a whole leaves nobody to drain', () => {
    const [head = ''] = BEFORE.split('virtual_server ');
    expect(classifyChange(BEFORE, head)).toMatchObject({ class: 'serial', leaving: new Map() });
  });
});

it.each([
  [1000, 100, 3.61],
  [1000, 254, 3.01],
  [2000, 100, 7.22],
])('a director that hears nothing for %d ms x 3 and a skew takes over (priority %d)', (advertInterval, priority, seconds) => {
  expect(masterDown({ advertInterval, priority })).toBeCloseTo(seconds, 2);
});
