import type { Json, JsonObject } from '../../../src/core/json.ts';
import { contentOf, NO_CONTENT } from '../../../src/facts/files/content.ts';
import type { FactReader, FactRequest } from '../../../src/facts/contract.ts';
import { ABSENT } from '../../../src/facts/files/file.ts';
import { jsonOf } from '../../../src/facts/network/ipvs.ts';
import { FactStore } from '../../../src/facts/store.ts';
import { parseIpvsadmSave } from '../../../src/lvs/ipvs/table.ts';
import type { Change, ModuleContext, ModuleDef, Step } from '../../../src/modules/contract.ts';
import { EXAMPLE, topologyOf } from '../lvs/support.ts';

/** A host as its facts show it: what it answers to any question. */
export type World = (fact: string, key: string) => Json;

const DRAINED = { version: 1, host: 'rs1', weight: '0', by: 'alice@ops1', reason: 'kernel', since: '2026-11-24T04:00:00.000Z', until: null, run: null };

const MOVED = { version: 1, pair: 'edge', to: 'lvs2', by: 'alice@ops1', reason: 'kernel', since: '2026-11-24T04:00:00.000Z', until: null };

/** Debian as installed. */
export const bare: World = (fact, key) => {
  const answers: Readonly<Record<string, Json>> = {
    package: { installed: null, candidate: '1:2.2.7-1', state: 'absent', held: false, lists: 'missing', problem: null },
    package_candidate: { version: '1:2.2.7-1', lists: 'missing', problem: null },
    unit: { exists: false, active: false, enabled: '', needsReload: false },
    sysctl: '0',
    file: ABSENT,
    content: NO_CONTENT,
    address: { exists: key === 'lo', addresses: [] },
    kernel_module: { loaded: false },
    ipvs: { table: { services: [] }, timeouts: null },
    boot: { id: '1-2-3', release: '6.1.0-30-amd64', due: null },
    drains: {},
    failovers: {},
    drain_flags: { folder: false, flags: {} },
    keepalived: null,
    tunnel: false,
    saved_state: { state: 'absent', hosts: [], commands: [], unitFiles: {}, things: [], packages: [] },
    firewall: { tool: 'nft', loaded: null, intact: false },
    default_route: { gateway: null, peer: '192.168.0.254', peerVia: null },
  };
  return known(answers[fact], fact);
};

const LIVED_TABLE = '-A -t 192.168.0.38:80 -s lc\n-a -t 192.168.0.38:80 -r 192.168.0.99:80 -m -w 5\n-A -t 10.9.9.9:99 -s rr\n';

/** Everything is there, and nothing as it is wanted. */
export const lived: World = (fact, key) => {
  const answers: Readonly<Record<string, Json>> = {
    package: { installed: '1:2.2.7-1', candidate: '1:2.2.7-1', state: 'installed', held: false, lists: null, problem: null },
    package_candidate: { version: '1:2.3.0-1', lists: 'old', problem: null },
    unit: { exists: true, active: true, enabled: 'enabled', needsReload: true },
    sysctl: '5',
    file: { type: 'file', mode: '0600', owner: 'daemon', group: 'daemon' },
    content: contentOf(Buffer.from('# older\nkernel.other = 1\nnet.ipv4.ip_forward=0\n')),
    address: { exists: true, addresses: key === 'lo' ? ['127.0.0.1/8', '192.168.0.38/32'] : ['10.0.0.8/24'] },
    kernel_module: { loaded: true },
    ipvs: { table: jsonOf(parseIpvsadmSave(LIVED_TABLE)), timeouts: [900, 120, 300] },
    drains: { rs1: DRAINED },
    failovers: { edge: MOVED },
    drain_flags: { folder: true, flags: { rs1: '0' } },
    boot: { id: '1-2-3', release: '6.1.0-18-amd64', due: 'kernel 6.1.0-30-amd64 is installed, 6.1.0-18-amd64 runs' },
    keepalived: null,
    tunnel: true,
    saved_state: { state: 'present', hosts: ['lvs1'], commands: [], unitFiles: {}, packages: [{ when: 'run+', name: 'a', version: '1' }], things: [{ kind: 'unit', key: 'a.service', before: 'inactive -', after: 'active enabled', now: 'active enabled' }] },
    firewall: { tool: 'iptables', loaded: '-A LVS_PLAY_NAT -s 10.0.0.0/8 -j MASQUERADE', intact: true },
    default_route: { gateway: '192.168.0.1', peer: '192.168.0.254', peerVia: null },
  };
  return known(answers[fact], fact);
};

/** Links, binary files, masked units, packages that were cut short. */
export const odd: World = (fact, key) => {
  const answers: Readonly<Record<string, Json>> = {
    package: { installed: null, candidate: '1:2.2.8-1', state: 'broken', held: false, lists: 'fresh', problem: null },
    package_candidate: { version: null, lists: 'fresh', problem: null },
    unit: { exists: true, active: false, enabled: 'masked', needsReload: false },
    sysctl: null,
    file: { type: 'link', mode: '0777', owner: 'root', group: 'root', target: 'elsewhere' },
    content: contentOf(Buffer.from([0, 1, 2])),
    address: { exists: true, addresses: ['2001:db8::38/128'] },
    kernel_module: { loaded: false },
    // Read from /proc/net/ip_vs, which tells less.
    ipvs: { table: { services: [{ protocol: 'tcp', address: '192.168.0.38', port: 80, scheduler: 'wrr', persistence: 'unknown', destinations: [] }] }, timeouts: null },
    drain_flags: { folder: true, flags: { rs1: 'x' } },
    drains: { rs1: { ...DRAINED, weight: '25%' }, gone: { ...DRAINED, host: 'gone' } },
    failovers: { edge: { ...MOVED, to: 'lvs1' }, gone: { ...MOVED, pair: 'gone' } },
    boot: { id: '1-2-3', release: '5.10.0', due: '/run/reboot-required is there' },
    keepalived: null,
    tunnel: false,
    saved_state: { state: 'present', hosts: ['lvs1'], commands: [], unitFiles: {}, packages: [{ when: 'run+', name: 'a', version: '1' }], things: [{ kind: 'unit', key: 'a.service', before: 'inactive -', after: 'active enabled', now: 'active enabled' }] },
    firewall: { tool: 'none', loaded: null, intact: false },
    default_route: { gateway: '192.168.0.1', peer: '10.9.9.9', peerVia: '192.168.0.1' },
  };
  return known(answers[fact], `${fact} ${key}`);
};

/** Directories and static units. */
const directories: World = (fact, key) => {
  if (fact === 'file') return { type: 'directory', mode: '0700', owner: 'daemon', group: 'root' };
  if (fact === 'content') return { state: 'other', sha256: '' };
  if (fact === 'unit') return { exists: true, active: false, enabled: 'static', needsReload: false };
  return bare(fact, key);
};

export const worlds: Readonly<Record<string, World>> = { bare, lived, odd, directories };

function known(answer: Json | undefined, what: string): Json {
  if (answer === undefined) throw new Error(`the world knows no ${what}`);
  return answer;
}

/** `lvs1` a director, `rs1` a real server of the article's cluster. */
export function contextOf(host: string, topology: ModuleContext['topology'] = topologyOf(EXAMPLE)): ModuleContext {
  return { host, topology, onController: false, osFamily: 'debian' };
}

/** Files on the controller: any name, this content. */
export const controllerFiles = {
  read: (name: string) => Promise.resolve({ path: `files/${name}`, content: Buffer.from(`content of ${name}\n`) }),
  render: (text: string) => `rendered ${text}`,
};

export interface Session {
  readonly requests: readonly FactRequest[];
  readonly args: Json;
  readonly store: FactStore;
  readonly changes: readonly Change[];
  readonly steps: readonly Step[];
  /** What a plan of the next task sees. */
  readonly next: FactStore;
  diff(store: FactStore): readonly Change[];
}

/** A module carried through as the engine does it, on a world or on what an earlier task left. */
export async function play(module: ModuleDef, args: JsonObject, from: World | FactStore, context: ModuleContext): Promise<Session> {
  const resolved = module.resolve === undefined ? args : await module.resolve(args, controllerFiles);
  const requests = module.facts(resolved, context);
  const store = from instanceof FactStore ? from : storeOf(from, requests);
  const reader: FactReader = store.reader(requests);
  const changes = module.diff(resolved, reader, context);
  const steps = changes.length === 0 && module.action !== true ? [] : module.apply(resolved, changes, reader, context);
  const next = store.patched(module.after(resolved, changes, reader, context));
  return { requests, args: resolved, store, changes, steps, next, diff: (answers) => module.diff(resolved, answers.reader(requests), context) };
}

export function storeOf(world: World, requests: readonly FactRequest[]): FactStore {
  return requests.reduce((store, { fact, key }) => store.merged(FactStore.of(fact, new Map([[key, world(fact.name, key)]]))), FactStore.empty);
}
