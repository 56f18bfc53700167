import { describe, expect, it } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../src/core/errors.ts';
import type { Json } from '../../../src/core/json.ts';
import type { FactDef } from '../../../src/facts/contract.ts';
import { contentFact, contentOf } from '../../../src/facts/files/content.ts';
import { addressFact } from '../../../src/facts/network/address.ts';
import { balanceFact, type Templates } from '../../../src/facts/network/balance.ts';
import { drainFlagsFact } from '../../../src/facts/records/drain-flags.ts';
import { drainsFact } from '../../../src/facts/records/drains.ts';
import { savedStateFact } from '../../../src/facts/system/saved-state.ts';
import { guardFindings } from '../../../src/impact/guards.ts';
import { impactOf } from '../../../src/impact/impact.ts';
import { DEFAULT_LIMITS, readLimitsOf } from '../../../src/impact/limits.ts';
import { configuredServices } from '../../../src/impact/ours.ts';
import { skewTime } from '../../../src/impact/pairs.ts';
import { impactWords } from '../../../src/impact/words.ts';
import { buildTopology } from '../../../src/lvs/model/build.ts';
import { renderKeepalived } from '../../../src/lvs/keepalived/render.ts';
import { keepalivedVersion } from '../../../src/lvs/keepalived/version.ts';
import type { Topology } from '../../../src/lvs/model/topology.ts';
import type { HostAnswer } from '../../../src/plan/sessions.ts';
import type { Plan, PlannedTask } from '../../../src/plan/types.ts';
import { parseYaml } from '../../../src/yaml/load.ts';
import { HOSTS } from '../lvs/support.ts';

const VERSION = keepalivedVersion('2.2.7') ?? { major: 2, minor: 2, patch: 7 };

/** The article's pair; weights by real server, and what else a service says. */
function cluster(weights: Readonly<Record<string, number | { readonly weight: number; readonly port: number }>>, more: Readonly<Record<string, Json>> = {}): Topology {
  const real_servers = Object.fromEntries(Object.entries(weights).map(([host, server]) => [host, typeof server === 'number' ? { weight: server } : { ...server }]));
  const lvs = {
    ha_pairs: { edge: { members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }, interface: 'eth0', virtual_router_id: 51, vips: ['192.168.0.38'] } },
    virtual_services: Object.keys(weights).length === 0 ? {} : { web: { on: 'edge', address: '192.168.0.38:80', mode: 'dr', scheduler: 'rr', persistence: 300, real_servers, ...more } },
  };
  return buildTopology(parseYaml(JSON.stringify(lvs), 'hosts.yml'), HOSTS);
}

const NAMES = new Map([...HOSTS.values()].map(({ host, address = '' }) => [address, host]));

interface Live {
  /** Weight, active, inactive, by the last part of the address. */
  readonly servers: Readonly<Record<string, readonly [weight: number, active: number, inactive: number]>>;
  readonly templates?: readonly Templates[];
  readonly holder?: string;
  /** What keepalived.conf on the hosts says; undefined: nothing is there. */
  readonly configured?: Topology;
  /** What a rollback would bring back. */
  readonly saved?: Topology;
  /** Real servers whose drain flag is up. */
  readonly raised?: readonly string[];
}

function answersOf(live: Live): HostAnswer[] {
  const answer = (host: string, fact: FactDef<never>, key: string, value: Json): HostAnswer => ({ host, user: 'root', become: true, fact, key, value });
  return ['lvs1', 'lvs2'].flatMap((host) => {
    const holds = host === live.holder;
    const destinations = Object.entries(live.servers).map(([part, [weight, active, inactive]]) => ({ address: `192.168.0.${part}`, port: 80, forward: 'dr', weight, activeConnections: holds ? active : 0, inactiveConnections: holds ? inactive : 0 }));
    const services = live.configured === undefined ? [] : [{ protocol: 'tcp', address: '192.168.0.38', port: 80, scheduler: 'rr', persistence: 'unknown', destinations }];
    const text = live.configured === undefined ? undefined : renderKeepalived(live.configured, host, VERSION);
    return [
      answer(host, balanceFact as never, 'templates', { table: { services }, templates: holds ? [...(live.templates ?? [])] : [] }),
      answer(host, drainFlagsFact as never, '/var/lib/lvs-play/drain-flags', { folder: true, flags: Object.fromEntries((live.raised ?? []).map((server) => [server, '1'])) }),
      ...(live.raised ?? []).map((server) => answer(host, drainsFact as never, '/var/lib/lvs-play', { [server]: { version: 1, host: server, weight: '0', by: '', reason: '', since: '', until: null, run: null } })),
      answer(host, addressFact as never, 'eth0', { exists: true, addresses: holds ? ['192.168.0.48/24', '192.168.0.38/32'] : ['192.168.0.58/24'] }),
      ...(live.saved === undefined ? [] : [answer(host, savedStateFact as never, '/var/lib/lvs-play/runs/R', savedFile(renderKeepalived(live.saved, host, VERSION), text ?? ''))]),
      answer(host, contentFact as never, '/etc/keepalived/keepalived.conf', text === undefined ? { state: 'absent', sha256: '' } : { ...contentOf(Buffer.from(text)) }),
    ];
  });
}

function savedFile(saved: string, present: string): Json {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return { state: 'present', hosts: [], commands: [], unitFiles: {}, packages: [], things: [{ kind: 'file', key: CONF, before: 'file 640 0:0 a', after: 'file 640 0:0 b', now: 'file 640 0:0 b', savedText: base64(saved), presentText: base64(present) }] };
}

function planOf(rows: readonly [host: string, module: string, path: string, before: Json, after: Json, impact?: string][], batches: string[][] = [['lvs2'], ['lvs1']]): Plan {
  const tasks = rows.map(([host, module, path, before, after, impact], index): PlannedTask => ({ host, task: { id: `0.${String(index)}`, play: 'p', name: module, module, handler: false }, status: 'change', changes: [{ path, before, after, ...(impact === undefined ? {} : { impact }) }], predicted: false, notifies: [] }));
  return { version: 1, createdAt: '', playbook: 'site.yml', inventory: 'hosts.yml', plays: [{ name: 'p', batches, tasks }], unreachable: {}, failed: {} };
}

type Row = [host: string, module: string, path: string, before: Json, after: Json];

/** The same, with drains by flags. */
function flagged(weights: Readonly<Record<string, number>>): Topology {
  return { ...cluster(weights), drain: { method: 'flag', position: undefined } };
}

/** One more, whose health check fails: the kernel has it not. */
const THREE = cluster({ rs1: 1, rs2: 1, lvs3: 1 });

const CONF = '/etc/keepalived/keepalived.conf';
const BOTH = ['lvs1', 'lvs2'] as const;
const CONFIGURED = planOf(BOTH.map((host) => [host, 'keepalived', CONF, 'sha256:a', 'sha256:b', 'reloads keepalived']));
const FLAG = '/var/lib/lvs-play/drain-flags/rs2';
const DRAINED_BY_FLAG = planOf([...BOTH].reverse().flatMap((host): Row[] => [[host, 'lvs_drain', 'drain of rs2', null, 'weight 0 by alice@ops1'], [host, 'keepalived', FLAG, '0', '1']]));
const stopped = (after: string, batches?: string[][]): Plan => planOf(BOTH.map((host) => [host, 'service', 'keepalived.service state', 'active', after]), batches);
const moved = (after: Json): Plan => planOf(BOTH.flatMap((host): [string, string, string, Json, Json][] => [[host, 'lvs_failover', 'failover of edge', null, after], [host, 'keepalived', CONF, 'sha256:a', 'sha256:b']]));
const rebooted = (batches: string[][]): Plan => planOf(['rs1', 'rs2'].map((host) => [host, 'reboot', 'boot', 'kernel 6.1.0', 'restarted']), batches);
const TEMPLATES: Templates[] = [{ protocol: 'TCP', address: '192.168.0.38', port: 80, server: '192.168.0.28', count: 3 }, { protocol: 'TCP', address: '192.168.0.99', port: 80, server: '192.168.0.28', count: 9 }];
const BUSY: Live = { servers: { 18: [1, 4, 0], 28: [1, 12, 5] }, templates: TEMPLATES, holder: 'lvs1', configured: cluster({ rs1: 1, rs2: 1 }) };

const RESTORED = planOf(BOTH.map((host) => [host, 'lvs_restore', CONF, 'a', 'b']));
const DOWN: Live = { ...BUSY, configured: THREE };
const NONE_LEFT = cluster({ rs1: 0, rs2: 0, lvs3: 1 });

describe('what a plan costs, in words', () => {
  it.each<[string, Topology, Plan, Live, string[]]>([
    ['an operator moves a pair', cluster({ rs1: 1, rs2: 1 }), moved('to lvs2 by alice@ops1'), BUSY, ['edge: the virtual IPs move from lvs1 to lvs2, which takes over while lvs1 still serves; connections are not synchronised: those that are open are cut', 'directors in this order: lvs2, then lvs1']],
    ['an operator moves it to who holds it', cluster({ rs1: 1, rs2: 1 }), moved('to lvs1 by alice@ops1'), BUSY, ['edge: no election; the virtual IPs stay on lvs1', 'directors in this order: lvs2, then lvs1']],
    ['a failover ends', cluster({ rs1: 1, rs2: 1 }), moved(null), { ...BUSY, holder: 'lvs2' }, ['edge: the virtual IPs move from lvs2 to lvs1, which takes over while lvs2 still serves; connections are not synchronised: those that are open are cut', 'directors in this order: lvs2, then lvs1']],
    [
      'a real server goes',
      cluster({ rs1: 1 }, { sorry_server: { address: '192.168.0.77' } }),
      CONFIGURED,
      BUSY,
      [
        'web: removes rs2: 12 active connections, 5 inactive, 3 persistence templates; 1 of 2 real servers left (50 % of the weight); when one more fails the sorry server answers',
        'edge: no election; the virtual IPs stay on lvs1',
        'reloads keepalived on lvs1, lvs2',
        'directors in this order: lvs2, then lvs1',
      ],
    ],
    [
      'a real server is drained by weight',
      cluster({ rs1: 1, rs2: 0 }),
      CONFIGURED,
      BUSY,
      ['web: sets to weight 0 rs2: 12 active connections, 5 inactive, 3 persistence templates; 1 of 2 real servers left (50 % of the weight); when one more fails nobody answers', 'edge: no election; the virtual IPs stay on lvs1', 'reloads keepalived on lvs1, lvs2', 'directors in this order: lvs2, then lvs1'],
    ],
    [
      'a real server is drained by a flag',
      flagged({ rs1: 1, rs2: 1 }),
      DRAINED_BY_FLAG,
      { ...BUSY, configured: flagged({ rs1: 1, rs2: 1 }) },
      ['web: sets to weight 0 rs2: 12 active connections, 5 inactive, 3 persistence templates; 1 of 2 real servers left (50 % of the weight); when one more fails nobody answers', 'edge: no election; the virtual IPs stay on lvs1', 'directors in this order: lvs2, then lvs1'],
    ],
    [
      'a real server that a flag took out comes back',
      flagged({ rs1: 1, rs2: 1 }),
      planOf([...BOTH].reverse().flatMap((host): Row[] => [[host, 'lvs_drain', 'drain of rs2', 'weight 0 by alice@ops1', null], [host, 'keepalived', FLAG, '1', '0']])),
      { ...BUSY, servers: { 18: [1, 4, 0], 28: [0, 0, 0] }, configured: flagged({ rs1: 1, rs2: 1 }), raised: ['rs2'] },
      ['web: changes weights; 2 real servers then (200 % of the weight); when one more fails it is still served', 'edge: no election; the virtual IPs stay on lvs1', 'directors in this order: lvs2, then lvs1'],
    ],
    [
      'what is left is not enough',
      cluster({ rs1: 1, rs2: 0, lvs3: 1 }, { quorum: 2 }),
      planOf([['lvs1', 'keepalived', CONF, 'a', 'b']]),
      DOWN,
      ['web: sets to weight 0 rs2: 12 active connections, 5 inactive, 3 persistence templates; 1 of 2 real servers left (50 % of the weight); below its quorum of 2: it counts as down', 'edge: no election; the virtual IPs stay on lvs1', 'directors in this order: lvs1'],
    ],
    [
      'a real server that is down now is no capacity',
      cluster({ rs1: 1, rs2: 1, lvs3: 2 }),
      planOf([['lvs1', 'keepalived', CONF, 'a', 'b']]),
      { ...BUSY, servers: { 18: [1, 4, 0] } },
      ['web: adds lvs3; 2 real servers then (300 % of the weight); when one more fails it is still served', 'edge: no election; the virtual IPs stay on lvs1', 'directors in this order: lvs1'],
    ],
    ['real servers that reboot', cluster({ rs1: 1, rs2: 1 }), rebooted([['rs1'], ['rs2']]), BUSY, ['reboots rs1, rs2']],
    [
      'a director that reboots',
      cluster({ rs1: 1, rs2: 1 }),
      planOf([['lvs1', 'reboot', 'boot', 'kernel 6.1.0', 'restarted']]),
      BUSY,
      [
        'edge: an election, as keepalived restarts on lvs1, which holds the virtual IPs: nobody answers for up to 0.65 s; connections are not synchronised, so those that are open may break',
        'reboots lvs1',
        'directors in this order: lvs1',
      ],
    ],
    [
      'a first deployment',
      cluster({ rs1: 1, rs2: 1 }),
      planOf([...BOTH.map((host): [string, string, string, Json, Json] => [host, 'keepalived', CONF, null, 'b']), ...BOTH.map((host): [string, string, string, Json, Json] => [host, 'service', 'keepalived.service state', 'inactive', 'active'])]),
      { servers: {} },
      ['web: is new, with 2 real servers; when one more fails it is still served', 'edge: an election, as keepalived starts on lvs1: nobody answers for up to 3.61 s', 'starts keepalived on lvs1, lvs2', 'directors in this order: lvs2, then lvs1'],
    ],
    [
      'the holder restarts',
      cluster({ rs1: 1, rs2: 1 }),
      planOf([['lvs1', 'package', 'package keepalived', '2.2.7', '2.2.8']]),
      BUSY,
      ['edge: an election, as keepalived restarts on lvs1, which holds the virtual IPs: nobody answers for up to 0.65 s; connections are not synchronised, so those that are open may break', 'restarts keepalived on lvs1', 'directors in this order: lvs1'],
    ],
    ['the other one restarts', cluster({ rs1: 1, rs2: 1 }), planOf([['lvs2', 'service', 'keepalived.service state', 'active', 'restarted']]), BUSY, ['edge: no election; the virtual IPs stay on lvs1', 'restarts keepalived on lvs2', 'directors in this order: lvs2']],
    [
      'every service goes',
      cluster({}),
      CONFIGURED,
      BUSY,
      ['TCP 192.168.0.38:80: is removed: rs1: 4 active connections, 0 persistence templates; rs2: 12 active connections, 5 inactive, 3 persistence templates', 'edge: no election; the virtual IPs stay on lvs1', 'reloads keepalived on lvs1, lvs2', 'directors in this order: lvs2, then lvs1'],
    ],
    ['nothing of the cluster', cluster({ rs1: 1, rs2: 1 }), planOf([['rs1', 'copy', '/etc/motd', 'a', 'b']]), BUSY, []],
  ])('%s', (_name, topology, plan, live, words) => {
    expect(impactWords(impactOf(topology, plan, answersOf(live), NAMES))).toEqual(words);
  });

  it('has nothing to say without a topology', () => {
    expect(impactOf(undefined, CONFIGURED, [], NAMES)).toMatchObject({ services: [], pairs: [], order: [] });
  });

  it('tells of the outage that a change of the configuration itself needs', () => {
    const plan = planOf([['lvs1', 'keepalived', CONF, 'a', 'b']]);
    const disruptive: Plan = { ...plan, plays: plan.plays.map((play) => ({ ...play, tasks: play.tasks.map((row) => ({ ...row, pair: { pairs: ['edge'], class: 'disruptive', reasons: ['edge: the virtual_router_id changes'], leaving: [], outage: 3.6 } })) })) };
    expect(impactWords(impactOf(cluster({ rs1: 1, rs2: 1 }), disruptive, answersOf(BUSY), NAMES))[0]).toContain('an election, as edge: the virtual_router_id changes: nobody answers for up to 3.60 s');
  });

  it.each<[string, Live, readonly string[], string]>([
    ['the holder gave no answer', BUSY, ['lvs2'], 'edge: whether the virtual IPs move is not known, as nothing was heard from lvs1'],
    ['the other one gave none', BUSY, ['lvs1'], 'edge: no election; the virtual IPs stay on lvs1'],
    ['both answered, and nobody holds them', { servers: BUSY.servers, configured: cluster({ rs1: 1, rs2: 1 }) }, BOTH, 'edge: no election; nobody holds the virtual IPs'],
  ])('says of virtual IPs what was heard: %s', (_name, live, heard, words) => {
    const answers = answersOf(live).filter(({ host }) => heard.includes(host));
    const plan = planOf(heard.map((host) => [host, 'keepalived', CONF, 'sha256:a', 'sha256:b']));
    expect(impactWords(impactOf(cluster({ rs1: 1, rs2: 1 }), plan, answers, NAMES)).filter((line) => line.startsWith('edge'))).toEqual([words]);
  });

  it('counts by the bounds of VRRP', () => {
    expect(skewTime(2, 128)).toBe(1);
  });
});

describe('what is ours in a table', () => {
  it('is read from keepalived.conf: addresses, marks, groups, protocols', () => {
    const text = [
      'virtual_server_group g { 10.0.0.1 80\n fwmark 7\n }',
      'virtual_server group g {\n real_server 192.168.0.18 80 { weight 3\n }\n }',
      'virtual_server 10.0.0.2 53 {\n protocol UDP\n real_server 192.168.0.18 53 {\n }\n }',
      'virtual_server 2001:db8::38 80 {\n }',
    ].join('\n');
    expect([...configuredServices(text, 'lvs1')].map(([key, servers]) => [key, Object.fromEntries(servers)])).toEqual([
      ['TCP 10.0.0.1:80', { '192.168.0.18:80': 3 }],
      ['FWM 7', { '192.168.0.18:80': 3 }],
      ['UDP 10.0.0.2:53', { '192.168.0.18:53': 1 }],
      ['TCP [2001:db8::38]:80', {}],
    ]);
    expect(configuredServices('virtual_server 10.0.0.2 53 {', 'lvs1').size).toBe(0);
  });
});

describe('guards', () => {
  const rules = (topology: Topology, plan: Plan, live: Live, limit = 0.5, allow: readonly string[] = []) => {
    const answers = answersOf(live);
    return guardFindings(topology, plan, answers, impactOf(topology, plan, answers, NAMES), { removedShare: limit }, allow).map(({ rule, allowed }) => (allowed ? `${rule} allowed` : rule));
  };

  it.each<[string, Topology, Plan, Live, string[]]>([
    ['half of the real servers may go', cluster({ rs1: 1 }), CONFIGURED, BUSY, []],
    ['one that comes back at another port is not gone', cluster({ rs1: { weight: 1, port: 8080 }, rs2: { weight: 1, port: 8080 } }, { mode: 'nat' }), CONFIGURED, BUSY, []],
    ['more than half may not', cluster({ rs1: 0, rs2: 0, lvs3: 5 }), CONFIGURED, BUSY, ['removed-share']],
    ['nor all that serve', NONE_LEFT, CONFIGURED, DOWN, ['removed-share', 'below-quorum']],
    ['nor what a quorum needs', cluster({ rs1: 1, rs2: 0, lvs3: 1 }, { quorum: 2 }), CONFIGURED, DOWN, ['below-quorum']],
    ['but one that is below already', cluster({ rs1: 1, rs2: 0, lvs3: 9 }, { quorum: 5 }), CONFIGURED, DOWN, []],
    ['every service', cluster({}), CONFIGURED, BUSY, ['all-services']],
    ['every service, of one director only', cluster({}), planOf([['lvs2', 'keepalived', CONF, 'a', 'b']]), BUSY, []],
    ['both directors stop', cluster({ rs1: 1, rs2: 1 }), stopped('inactive'), BUSY, ['both-directors']],
    ['one director stops', cluster({ rs1: 1, rs2: 1 }), planOf([['lvs1', 'service', 'keepalived.service state', 'active', 'inactive']]), BUSY, []],
    ['both restart, one after the other', cluster({ rs1: 1, rs2: 1 }), stopped('restarted'), BUSY, []],
    ['both restart at once', cluster({ rs1: 1, rs2: 1 }), stopped('restarted', [['lvs1', 'lvs2']]), BUSY, ['both-directors']],
    ['keepalived is removed from both', cluster({ rs1: 1, rs2: 1 }), planOf(BOTH.map((host) => [host, 'package', 'package keepalived', '2.2.7', null])), BUSY, ['both-directors']],
    ['IPVS is unloaded on both', cluster({ rs1: 1, rs2: 1 }), planOf(BOTH.map((host) => [host, 'kernel_module', 'module ip_vs', 'loaded', null])), BUSY, ['both-directors']],
    ['a first deployment', cluster({ rs1: 1, rs2: 1 }), CONFIGURED, { servers: {} }, []],
    ['a stop where nothing runs', cluster({ rs1: 1, rs2: 1 }), stopped('inactive'), { servers: {} }, []],
    ['nothing', cluster({ rs1: 1, rs2: 1 }), planOf([]), BUSY, []],
    ['all real servers reboot at once', cluster({ rs1: 1, rs2: 1 }), rebooted([['rs1', 'rs2']]), BUSY, ['removed-share']],
    ['they reboot one after the other', cluster({ rs1: 1, rs2: 1 }), rebooted([['rs1'], ['rs2']]), BUSY, []],
    ['the only one reboots', cluster({ rs1: 1 }), rebooted([['rs1', 'rs2']]), BUSY, []],
    ['a rollback to fewer real servers', cluster({ rs1: 1, rs2: 1 }), RESTORED, { ...BUSY, saved: cluster({ rs1: 0, rs2: 0, lvs3: 1 }) }, ['removed-share']],
    ['a rollback to more', cluster({ rs1: 1 }), RESTORED, { ...BUSY, saved: THREE }, []],
    ['a rollback to no service', cluster({ rs1: 1, rs2: 1 }), RESTORED, { ...BUSY, saved: cluster({}) }, ['all-services']],
    ['a rollback that stops both', cluster({ rs1: 1, rs2: 1 }), planOf(BOTH.map((host) => [host, 'lvs_restore', 'keepalived.service state', 'active enabled', 'inactive disabled'])), BUSY, ['both-directors']],
  ])('%s', (_name, topology, plan, live, found) => {
    expect(rules(topology, plan, live)).toEqual(found);
  });

  it('let pass what was allowed, and no more', () => {
    expect(rules(NONE_LEFT, CONFIGURED, DOWN, 0.5, ['below-quorum'])).toEqual(['removed-share', 'below-quorum allowed']);
    expect(rules(cluster({ rs1: 1 }), CONFIGURED, BUSY, 0.4)).toEqual(['removed-share']);
    expect(rules(NONE_LEFT, CONFIGURED, DOWN, 1)).toEqual(['below-quorum']);
  });
});

describe('limits', () => {
  const read = (text: string) => readLimitsOf(parseYaml(text, 'all.yml'));
  it.each([
    ['{}', 0.5],
    ['removed_share: 0%', 0],
    ['removed_share: 33.5 %', 0.335],
    ['removed_share: 100%', 1],
  ])('%s', (text, share) => {
    expect(read(text).removedShare).toBe(share);
  });

  it.each([
    ['removed_share: 101%', 'all.yml:1:16', 'no share'],
    ['removed_share: half', 'all.yml:1:16', 'no share'],
    ['removed_share: 50', 'all.yml:1:16', 'no share'],
    ['removed_shares: 50%', 'all.yml:1:1', 'did you mean removed_share?'],
    ['zzz: 1', 'all.yml:1:1', 'it has removed_share'],
    ['[]', 'all.yml:1:1', 'no mapping'],
  ])('refuse %s, and say where', (text, place, said) => {
    try {
      read(text);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof LvsPlayError) || error instanceof InputErrors) throw error;
      const { position } = error;
      expect(`${position?.file ?? ''}:${String(position?.line)}:${String(position?.column)}`).toBe(place);
      expect(`${error.message} ${error.hint ?? ''}`).toContain(said);
    }
  });

  it('have a default', () => {
    expect(readLimitsOf(undefined)).toEqual(DEFAULT_LIMITS);
  });
});
