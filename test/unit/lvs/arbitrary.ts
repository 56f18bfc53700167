import fc from 'fast-check';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { HostAddress } from '../../../src/lvs/model/build.ts';

/** A value of the variable `lvs` that is sound, and the inventory's hosts that it speaks of. */
export interface Cluster {
  readonly lvs: JsonObject;
  readonly hosts: ReadonlyMap<string, HostAddress>;
}

/** Directors d1-d3 (two pairs of crossed priorities), real servers r1-r4, spare; all with an address of either family in two networks. */
const DIRECTORS = ['d1', 'd2', 'd3'] as const;
const SERVERS = ['r1', 'r2', 'r3', 'r4'] as const;
const HOSTS: ReadonlyMap<string, HostAddress> = new Map(
  [...DIRECTORS.map((host, i) => [host, `10.1.0.${String(i + 1)}`] as const), ...SERVERS.map((host, i) => [host, `10.1.0.${String(i + 101)}`] as const), ['spare', '10.1.0.200'] as const].map(
    ([host, address]) => [host, { host, address }],
  ),
);

/** Inside address of the pair `one`, in the network of the real servers (not of `spare`). */
const GATEWAY = '10.1.0.126';
const INSIDE = '10.1.0.64/26';

/** VIPs of each pair: in the adverts, IPv4 and IPv6. */
const VIPS = { one: ['10.1.1.1', 'fd00:1::1'], two: ['10.1.1.2', 'fd00:1::2'] } as const;

/** Scripts named here exist where keepalived's own checks run. */
const COMMANDS: readonly Json[] = [['check', 'a b', '3306'], '/usr/bin/true', ['/usr/bin/true', '--x=1']];
const command = fc.constantFrom(...COMMANDS);

/** A record whose keys are each there or not. */
function some(keys: Readonly<Record<string, fc.Arbitrary<Json>>>): fc.Arbitrary<JsonObject> {
  return fc.record(keys, { requiredKeys: [] }) as fc.Arbitrary<JsonObject>;
}

const seconds = fc.integer({ min: 1, max: 60 });
const weight = fc.option(fc.integer({ min: -253, max: 253 }).filter((n) => n !== 0), { nil: undefined });

const notify = some({ master: command, backup: command, fault: command, stop: command, any: command });

/** @param weighted whether weights may stand there: not within sync groups */
function track(weighted: boolean): fc.Arbitrary<JsonObject> {
  const items = (...names: string[]): fc.Arbitrary<Json> =>
    fc.subarray(names, { minLength: 1 }).chain((chosen) =>
      fc.tuple(...chosen.map((name) => (weighted ? weight : fc.constant(undefined)).map((value): Json => (value === undefined ? name : { name, weight: value })))).map((list): Json => list),
    );
  return some({ interfaces: items('eth0', 'eth1'), scripts: items('web'), files: items('flag'), processes: items('daemon'), bfd: items('peer') });
}

const timing = { retry: fc.integer({ min: 0, max: 5 }), delay_before_retry: seconds, interval: seconds, warmup: fc.integer({ min: 0, max: 30 }) };
const place = { connect_timeout: seconds, port: fc.integer({ min: 1, max: 65535 }), address: fc.constantFrom('10.1.0.222') };
const page = {
  path: fc.constantFrom('/', '/health?x=1&y=%20', '/a/b.html'),
  status: fc.oneof(fc.constantFrom<Json>(200, 204, '200-299'), fc.constant<Json>([200, '300-399'])),
  digest: fc.constant('640205b7b0fc66c1ea91c463fac6334d'),
  regex: fc.constantFrom('ok', '^a.*[0-9]+', 'two words'),
};

function typed(type: string, keys: Readonly<Record<string, fc.Arbitrary<Json>>>, always: JsonObject = {}): fc.Arbitrary<JsonObject> {
  return some(keys).map((rest) => ({ type, ...rest, ...always }));
}

const check: fc.Arbitrary<JsonObject> = fc.oneof(
  typed('tcp', { ...timing, ...place }),
  typed('http', { ...timing, ...place, ...page, virtual_host: fc.constant('www.example.org'), http_version: fc.constantFrom('1.0', '1.1') }),
  typed('ssl', { ...timing, ...place, virtual_host: fc.constant('www.example.org') }, { urls: [{ path: '/' }, { path: '/b', status: 201, regex: 'x', regex_absent: true }] }),
  typed('smtp', { ...timing, ...place, helo_name: fc.constant('lb.example.org') }),
  typed('dns', { ...timing, ...place, record_type: fc.constantFrom('A', 'SOA', 'TXT'), name: fc.constant('example.org') }),
  typed('ping', { ...timing, connect_timeout: seconds }),
  typed('udp', { ...timing, ...place, payload: fc.constant('hello'), require_reply: fc.boolean() }),
  typed('misc', { ...timing, timeout: seconds, user: fc.constant('nobody'), dynamic_weight: fc.boolean() }, { command: ['check', 'x'] }),
  typed('file', {}, { track_file: 'flag' }),
  typed('bfd', {}, { instance: 'peer' }),
);
const checks: fc.Arbitrary<Json> = fc.oneof(check, fc.constant<Json>({ type: 'none' }), fc.array(check, { minLength: 2, maxLength: 2 }).map((list): Json => list));

const realServer = (nat: boolean, hashed: boolean): fc.Arbitrary<Json> =>
  some({
    // The first has one at least; 0 among hashed ones would be a mistake.
    weight: fc.integer({ min: hashed ? 1 : 0, max: 65535 }),
    ...(nat ? { port: fc.integer({ min: 1, max: 65535 }) } : {}),
    inhibit_on_failure: fc.boolean(),
    health_check: checks,
    on_up: command,
    on_down: command,
  }).chain((server) => fc.option(fc.tuple(fc.nat(1000), fc.nat(1000)), { nil: undefined }).map((limits): Json => (limits === undefined ? server : { ...server, upper_threshold: limits[0] + limits[1] + 1, lower_threshold: limits[0] })));

const SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'sed', 'nq', 'fo', 'ovf', 'mh', 'twos'] as const;

interface Place {
  readonly on: 'one' | 'two' | 'd3';
  /** Index of the service: its port and mark are made from it, so that none is there twice. */
  readonly index: number;
}

function service({ on, index }: Place): fc.Arbitrary<JsonObject> {
  const base = fc.record({
    mode: fc.constantFrom('dr', 'nat', 'tun'),
    protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
    scheduler: fc.constantFrom(...SCHEDULERS),
    six: fc.boolean(),
    match: fc.constantFrom('port', 'all', 'mark'),
    servers: fc.subarray([...SERVERS], { minLength: 1 }),
    flags: fc.boolean(),
    ops: fc.boolean(),
    /** No keepalived; a single director's only. */
    script: fc.boolean(),
    /** More than one server's weight needed, where there is as much. */
    more: fc.boolean(),
    /** IPv6 clients on IPv4 real servers, which a tunnel allows. */
    mixed: fc.boolean(),
    mask: fc.constantFrom<JsonObject>({ prefix: 24 }, { netmask: '255.255.0.0' }, { netmask: '0.0.0.0' }),
    persistence: fc.integer({ min: 1, max: 86400 }),
    keep: fc.boolean(),
  });
  return base.chain((chosen): fc.Arbitrary<JsonObject> => {
    const { mode, protocol, scheduler, six, match, flags } = chosen;
    const nat = mode === 'nat' && match === 'port';
    const vip = on === 'd3' ? (six ? 'fd00:1::3' : '10.1.1.3') : VIPS[on][six ? 1 : 0];
    const at = (port: number): string => (six ? `[${vip}]:${String(port)}` : `${vip}:${String(port)}`);
    const hashed = scheduler === 'sh' || scheduler === 'mh';
    const persistent = match === 'all' || chosen.keep;
    const onePacket = protocol === 'udp' && !persistent && chosen.ops;
    const scripted = on === 'd3' && chosen.script;
    const family6 = (host: string): JsonObject => (six && !(mode === 'tun' && chosen.mixed) ? { address: `fd00:1::1:${host.slice(1)}` } : {});
    const servers = fc.tuple(...chosen.servers.map((host, i) => realServer(nat, hashed || i === 0).map((server): [string, Json] => [host, { ...(server as JsonObject), ...family6(host) }])));
    const rest = some({
      alpha: fc.boolean(),
      omega: fc.boolean(),
      inhibit_on_failure: fc.boolean(),
      check_interval: seconds,
      ...(match === 'all' ? {} : { health_check: checks }),
      quorum: fc.record({ up: command, down: command }).map((scripts): Json => ({ count: 1, ...scripts })),
      ...(six ? {} : { sorry_server: fc.constantFrom<Json>({ host: 'spare' }, { address: '10.1.0.201', inhibit: true }, { address: '10.1.0.201', port: 8080, mode: 'nat' }) }),
      // NAT's helper reads port 21, or every port.
      ...(protocol === 'tcp' && persistent && (mode !== 'nat' || match === 'all') ? { helper: fc.constant('ftp') } : {}),
      ...(mode === 'tun' && !six ? { tunnel: fc.constantFrom<Json>('ipip', { type: 'gre', checksum: 'csum' }, { type: 'gue', port: 6080 }, { type: 'gue', checksum: 'remcsum' }) } : {}),
    });
    return fc.tuple(servers, rest).map(([real, others]): JsonObject => ({
      on,
      mode,
      scheduler,
      ...(match === 'mark' ? { fwmark: index + 1, endpoints: [at(2000 + index), { address: at(3000 + index), protocol }], protocol } : { address: at(match === 'all' ? 0 : 1000 + index), protocol }),
      ...(on === 'd3' ? { interface: 'eth0' } : {}),
      ...(hashed && flags ? { scheduler_flags: scheduler === 'sh' ? ['sh-port', 'sh-fallback'] : ['mh-fallback'] } : {}),
      ...(onePacket ? { one_packet: true } : {}),
      ...(persistent ? { persistence: protocol === 'udp' && chosen.ops ? { timeout: chosen.persistence, engine: 'sip' } : chosen.flags ? { timeout: chosen.persistence, ...(six ? { prefix: 64 } : chosen.mask) } : chosen.persistence } : {}),
      ...(match === 'all' ? { health_check: { type: 'none' } } : {}),
      ...(scripted ? { manager: 'script', ...without(others, ...KEEPALIVED_ONLY) } : others),
      ...(chosen.more && !scripted && total(real) >= 3 ? { quorum: { count: 2, hysteresis: 1 } } : {}),
      real_servers: Object.fromEntries(real.map(([host, server]) => [host, without(server as JsonObject, ...(scripted ? KEEPALIVED_ONLY : match === 'all' ? ['health_check'] : []))])),
    }));
  });
}

/** Keys of services and real servers that a script cannot follow. */
const KEEPALIVED_ONLY = ['alpha', 'omega', 'inhibit_on_failure', 'check_interval', 'health_check', 'quorum', 'sorry_server', 'on_up', 'on_down'] as const;

function without(value: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}

/** Sum of weights. */
function total(servers: readonly (readonly [string, Json])[]): number {
  return servers.reduce((sum, [, server]) => sum + Number((server as JsonObject)['weight'] ?? 1), 0);
}

function pair(name: 'one' | 'two', grouped: boolean): fc.Arbitrary<JsonObject> {
  const six = fc.constantFrom('none', 'excluded', 'first');
  return fc
    .tuple(
      six,
      fc.boolean(),
      some({
        advert_int: fc.integer({ min: 1, max: 10 }),
        preempt: fc.boolean(),
        unicast: fc.boolean(),
        garp: some({ delay: seconds, repeat: fc.integer({ min: 1, max: 9 }), refresh: seconds, refresh_repeat: fc.integer({ min: 1, max: 9 }), lower_priority_repeat: fc.nat(9) }),
        track: track(!grouped),
        notify,
        routes: fc.constant<Json>(['192.168.9.0/24 via 10.1.0.254 dev eth0']),
        rules: fc.constant<Json>(['from 192.168.9.0/24 table 100 preference 100']),
        connection_sync: name === 'one' ? fc.constantFrom<Json>(true, { interface: 'eth1', sync_id: 3, port: 8849, group: '224.0.0.82', ttl: 2, maxlen: 1400 }) : fc.constant(false),
        auth_pass: fc.constant('s3cret'),
        vmac: fc.constantFrom<Json>(true, { interface: `vrrp.${name}`, adverts_from_base: true }),
        preempt_delay: seconds,
      }),
      fc.constantFrom<JsonObject>({}, { interface: 'eth1' }),
      fc.boolean(),
    )
    .map(([kind, three, options, elsewhere, addressed]): JsonObject => {
      const [four, sixth] = VIPS[name];
      const version = kind === 'first' || three ? 3 : 2;
      // Adverts go between addresses of the VIPs' family; the hosts' own are IPv4.
      const own = kind === 'first' ? (host: string) => `fd00:1::${host}` : (host: string) => `10.1.0.1${host.slice(1)}`;
      const address = (host: string): JsonObject => (addressed || (kind === 'first' && options['unicast'] === true) ? { address: own(host) } : {});
      const { auth_pass: pass, preempt_delay: delay, unicast, vmac, ...others } = options;
      return {
        members: {
          d1: { priority: name === 'one' || grouped ? 100 : 50, ...address('d1') },
          d2: { priority: name === 'one' || grouped ? 90 : 150, ...address('d2'), ...elsewhere },
        },
        interface: 'eth0',
        virtual_router_id: name === 'one' ? 51 : 52,
        vips: kind === 'first' ? [sixth, { address: `${four}/24`, interface: 'eth1' }] : [`${four}/24`, sixth],
        excluded_vips: name === 'one' ? ['10.1.2.1', { address: `${GATEWAY}/26`, interface: 'eth1' }] : [],
        ...(version === 3 ? { version: 3 } : pass === undefined ? {} : { auth_pass: pass }),
        ...(others['preempt'] === false || delay === undefined ? {} : { preempt_delay: delay }),
        ...(unicast === undefined ? {} : { unicast }),
        ...(vmac === undefined ? {} : { vmac }),
        ...others,
      };
    });
}

/**
 * Sound values of `lvs` with everything the model knows: use `buildTopology({ value: lvs, locate: () => undefined }, hosts)`.
 * Interfaces are eth0 and eth1; the script `check` is shipped, `/usr/bin/true` is the director's own. Directors are d1 and d2 (HA pairs
 * `one` and `two`, in a sync group or with crossed priorities) and d3, which is single and may have services without keepalived. The
 * NAT network `inside`, where there is one, has its gateway with the pair `one`.
 */
export function lvsValue(): fc.Arbitrary<Cluster> {
  const places = fc.array(fc.constantFrom<Place['on']>('one', 'two', 'd3'), { minLength: 1, maxLength: 4 });
  return fc.tuple(fc.boolean(), places).chain(([grouped, on]) => {
    const services = fc.tuple(...on.map((where, index) => service({ on: where, index })));
    const weighed = grouped ? fc.constant(false) : fc.boolean();
    return fc.tuple(pair('one', grouped), pair('two', grouped), services, weighed, fc.boolean(), track(false), notify, some({ script_user: fc.constant('nobody'), ipvs: fc.constant<Json>({ timeouts: { tcp: 900, tcp_fin: 120, udp: 300 }, sysctls: { drop_entry: 1 } }) })).map(
      ([one, two, list, weighted, inside, groupTrack, groupNotify, globals]): Cluster => ({
        hosts: HOSTS,
        lvs: {
          ...globals,
          scripts: { check: '#!/bin/sh\nexit 0\n' },
          track_scripts: { web: { command: ['check', 'web'], interval: 2, fall: 2, rise: 3, ...(weighted ? { timeout: 1, weight: -10 } : {}) } },
          track_files: { flag: { file: '/run/lvs-flag', ...(weighted ? { weight: 2 } : {}) } },
          track_processes: { daemon: { process: 'nginx', ...(weighted ? { weight: 5, quorum: 2 } : {}) } },
          bfd: { peer: { neighbor: '10.1.0.254', source: '10.1.0.1', min_rx: 50, min_tx: 50, idle_tx: 1000, multiplier: 5 } },
          ha_pairs: { one, two },
          ...(grouped ? { sync_groups: { both: { pairs: ['one', 'two'], track: groupTrack, notify: groupNotify } } } : {}),
          ...(inside && list.every((one) => isBehind(one, grouped)) ? { nat_networks: { inside: { on: 'one', network: INSIDE, gateway: GATEWAY, masquerade: weighted } } } : {}),
          virtual_services: Object.fromEntries(distinct(list).map((entry, index) => [`s${String(index)}`, entry])),
        },
      }),
    );
  });
}

/** That replies of a service's real servers may go by the gateway of the pair `one`. */
function isBehind(service: JsonObject, grouped: boolean): boolean {
  return service['mode'] !== 'nat' || service['on'] === 'one' || (grouped && service['on'] === 'two') || JSON.stringify(service).includes('[fd00');
}

/** All ports of one VIP can be one service's only. */
function distinct(services: readonly JsonObject[]): JsonObject[] {
  const seen = new Set<string>();
  return services.filter((one) => {
    const key = JSON.stringify([one['address'], one['protocol'], one['fwmark']]);
    return !seen.has(key) && seen.add(key);
  });
}
