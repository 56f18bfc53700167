import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { contentOf } from '../../../src/facts/files/content.ts';
import { jsonOf } from '../../../src/facts/network/ipvs.ts';
import { DIRECTOR_SCRIPT, DIRECTOR_UNIT_TEXT, renderDirectorScript, usesKeepalived } from '../../../src/lvs/host/director-script.ts';
import { parseIpvsadmSave } from '../../../src/lvs/ipvs/table.ts';
import type { Step } from '../../../src/modules/contract.ts';
import { loadModule } from '../../../src/modules/registry.ts';
import { changed, EXAMPLE, SINGLE, topologyOf } from '../lvs/support.ts';
import { bare, contextOf, play, type World } from './support.ts';

const UNIT_PATH = '/etc/systemd/system/lvs-director.service';
const FOREIGN = '-A -t 10.9.9.9:99 -s rr\n-a -t 10.9.9.9:99 -r 10.0.0.1:99 -m -w 1\n';
const OURS = '-A -t 192.168.0.38:80 -s wrr\n-a -t 192.168.0.38:80 -r 192.168.0.18:80 -g -w 1\n-a -t 192.168.0.38:80 -r 192.168.0.28:80 -g -w 3\n';

const words = (steps: readonly Step[]) => steps.map((step) => (step.kind === 'exec' ? step.argv.join(' ') : step.kind === 'put' ? `put ${step.path}` : step.kind));

/** A director on which `text` was deployed, with this table. */
function deployed(text: string, table: string, addresses: readonly string[] = ['192.168.0.38/32', '192.168.0.39/32']): World {
  const answers: Readonly<Record<string, Json>> = {
    [`content ${DIRECTOR_SCRIPT}`]: contentOf(Buffer.from(renderDirectorScript(topologyOf(text), 'lvs1') ?? '')),
    [`content ${UNIT_PATH}`]: contentOf(Buffer.from(DIRECTOR_UNIT_TEXT)),
    file: { type: 'file', mode: '0755', owner: 'root', group: 'root' },
    unit: { exists: true, active: true, enabled: 'enabled', needsReload: false },
    'address eth0': { exists: true, addresses: ['192.168.0.8/24', ...addresses] },
    ipvs: { table: jsonOf(parseIpvsadmSave(table)), timeouts: [900, 120, 300] },
  };
  return (fact, key) => answers[`${fact} ${key}`] ?? answers[fact] ?? bare(fact, key);
}

describe('lvs_director', () => {
  const deploy = async (text: string, world: World) => play(await loadModule('lvs_director'), {}, world, contextOf('lvs1', topologyOf(text)));

  it('fills the table before the address comes, and leaves it to the unit after a reboot', async () => {
    const { steps } = await deploy(SINGLE, bare);
    expect(words(steps)).toEqual([
      ...OURS.trim().split('\n').map((line) => `ipvsadm ${line}`),
      'ip address replace 192.168.0.38/32 dev eth0',
      'ip address replace 192.168.0.39/32 dev eth0',
      `put ${DIRECTOR_SCRIPT}`,
      `put ${UNIT_PATH}`,
      'systemctl daemon-reload',
      'systemctl enable lvs-director.service',
      'systemctl start lvs-director.service',
    ]);
  });

  it('has nothing to do where all is there, whatever else is', async () => {
    expect((await deploy(SINGLE, deployed(SINGLE, OURS + FOREIGN))).changes).toEqual([]);
  });

  it('changes a weight by one edit and a new script, never by a restart', async () => {
    const { steps, changes } = await deploy(changed(SINGLE, 'weight: 3', 'weight: 0'), deployed(SINGLE, OURS + FOREIGN));
    expect(words(steps)).toEqual(['ipvsadm -e -t 192.168.0.38:80 -r 192.168.0.28:80 -g -w 0', `put ${DIRECTOR_SCRIPT}`]);
    expect(changes.at(-1)).toMatchObject({ path: 'ipvs TCP 192.168.0.38:80 rs2 192.168.0.28:80', before: '-g -w 3', after: '-g -w 0', impact: 'drains rs2: an unknown number of active connections' });
  });

  it('moves to another VIP: the new one first, the old one by the record of its script', async () => {
    const { steps } = await deploy(SINGLE.replaceAll('192.168.0.38', '192.168.0.37'), deployed(SINGLE, OURS + FOREIGN));
    expect(words(steps)).toEqual([
      ...OURS.replaceAll('192.168.0.38', '192.168.0.37').trim().split('\n').map((line) => `ipvsadm ${line}`),
      'ipvsadm -D -t 192.168.0.38:80',
      'ip address replace 192.168.0.37/32 dev eth0',
      'ip address delete 192.168.0.38/32 dev eth0',
      `put ${DIRECTOR_SCRIPT}`,
    ]);
  });

  it('sets time-outs that differ, and only those', async () => {
    const text = `ipvs: { timeouts: { tcp: 900, tcp_fin: 60, udp: 300 } }\n${SINGLE}`;
    const session = await deploy(text, deployed(text, OURS));
    expect(words(session.steps)).toEqual(['ipvsadm --set 900 60 300']);
    expect(session.diff(session.next)).toEqual([]);
    const right = text.replace('60', '120');
    expect((await deploy(right, deployed(right, OURS))).changes).toEqual([]);
  });

  it('leaves the service to keepalived where the topology hands it over', async () => {
    const handed = SINGLE.replace('    manager: script\n', '');
    const { steps } = await deploy(handed, deployed(SINGLE, OURS + FOREIGN));
    expect(words(steps)).toEqual([`put ${DIRECTOR_SCRIPT}`]);
  });

  it('takes all of it back from a director that needs it no more, and nothing from others', async () => {
    const { steps, changes } = await deploy(EXAMPLE, deployed(SINGLE.replaceAll('192.168.0.38', '192.168.0.37'), OURS));
    expect(words(steps)).toEqual([
      'ipvsadm -D -t 192.168.0.37:80',
      'ip address delete 192.168.0.37/32 dev eth0',
      'ip address delete 192.168.0.39/32 dev eth0',
      `rm -f -- ${DIRECTOR_SCRIPT}`,
      'systemctl disable --now lvs-director.service',
      `rm -f -- ${UNIT_PATH}`,
      'systemctl daemon-reload',
    ]);
    expect(changes.find(({ path }) => path.startsWith('ipvs'))).toMatchObject({ impact: 'removes TCP 192.168.0.37:80' });
    expect((await deploy(EXAMPLE, bare)).changes).toEqual([]);
  });

  it('is for directors', async () => {
    await expect((async () => play(await loadModule('lvs_director'), {}, bare, contextOf('rs1', topologyOf(SINGLE))))()).rejects.toMatchObject({ code: 'no-director', kind: 'input' });
  });
});

it('keepalived is needed for a pair, and for a service with health checks', () => {
  expect(usesKeepalived(topologyOf(EXAMPLE), 'lvs1')).toBe(true);
  expect(usesKeepalived(topologyOf(SINGLE), 'lvs1')).toBe(true);
  expect(usesKeepalived(topologyOf(SINGLE.slice(0, SINGLE.indexOf('  checked:'))), 'lvs1')).toBe(false);
});

describe('ipvs', () => {
  const use = async (args: Record<string, Json>, world: World = deployed(SINGLE, OURS + FOREIGN)) => play(await loadModule('ipvs'), args, world, contextOf('lvs1', topologyOf(SINGLE)));

  it('mends what the topology has in the table', async () => {
    expect((await use({})).changes).toEqual([]);
    expect(words((await use({}, deployed(SINGLE, FOREIGN))).steps)).toEqual(OURS.trim().split('\n').map((line) => `ipvsadm ${line}`));
  });

  it('leaves real servers alone when none are named', async () => {
    expect(words((await use({ service: '192.168.0.38:80', scheduler: 'lc' })).steps)).toEqual(['ipvsadm -E -t 192.168.0.38:80 -s lc']);
  });

  it('removes one service', async () => {
    expect(words((await use({ service: '10.9.9.9:99', state: 'absent' })).steps)).toEqual(['ipvsadm -D -t 10.9.9.9:99']);
    expect((await use({ fwmark: 7, state: 'absent' })).changes).toEqual([]);
  });

  it.each<[string, Record<string, Json>, RegExp]>([
    ['no scheduler', { service: '192.168.0.38:80' }, /scheduler/],
    ['two names', { service: '192.168.0.38:80', fwmark: 7, scheduler: 'rr' }, /either/],
    ['no port', { service: '192.168.0.38', scheduler: 'rr' }, /no address with a port/],
    ['port 0 without persistence', { service: '192.168.0.38:0', scheduler: 'rr' }, /persistence/],
    ['a prefix without persistence', { service: '192.168.0.38:80', scheduler: 'rr', persistence_prefix: 24 }, /need persistence/],
    ['a long prefix', { service: '192.168.0.38:80', scheduler: 'rr', persistence: 9, persistence_prefix: 64 }, /1-32/],
    ['one packet of TCP', { service: '192.168.0.38:80', scheduler: 'rr', one_packet: true }, /UDP/],
    ['another port in DR', { service: '192.168.0.38:80', scheduler: 'rr', real_servers: [{ server: '10.0.0.1:8080' }] }, /cannot change the port/],
    ['a name', { service: '192.168.0.38:80', scheduler: 'rr', real_servers: [{ server: 'rs1' }] }, /no address/],
    ['thresholds upside down', { service: '192.168.0.38:80', scheduler: 'rr', real_servers: [{ server: '10.0.0.1', lower_threshold: 5 }] }, /lower_threshold/],
    ['a tunnel in DR', { service: '192.168.0.38:80', scheduler: 'rr', real_servers: [{ server: '10.0.0.1', tunnel: 'gue' }] }, /mode tun/],
    ['a port of gre', { service: '192.168.0.38:80', scheduler: 'rr', mode: 'tun', real_servers: [{ server: '10.0.0.1', tunnel: 'gre', tunnel_port: 6080 }] }, /only gue/],
    ['a checksum of ipip', { service: '192.168.0.38:80', scheduler: 'rr', mode: 'tun', real_servers: [{ server: '10.0.0.1', tunnel_checksum: 'csum' }] }, /ipip/],
  ])('refuses %s', async (_what, args, why) => {
    await expect(use(args)).rejects.toMatchObject({ code: 'bad-argument', kind: 'input', message: expect.stringMatching(why) as string });
  });
});
