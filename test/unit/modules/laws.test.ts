import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { LvsPlayError } from '../../../src/core/errors.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import type { FactDef } from '../../../src/facts/contract.ts';
import type { ModuleDef } from '../../../src/modules/contract.ts';
import { loadModule, moduleNames, validateArgs } from '../../../src/modules/registry.ts';
import { renderSteps } from '../../../src/modules/render-steps.ts';
import { EVERYTHING_STALE } from '../../../src/modules/commands/run-command.ts';
import { changed, EXAMPLE, SINGLE, topologyOf } from '../lvs/support.ts';
import { contextOf, play, worlds } from './support.ts';

const modules = await Promise.all(moduleNames.map((name) => loadModule(name)));
const stateful = modules.filter((module) => module.action !== true);

const SERVICE = { service: '192.168.0.38:80', scheduler: 'rr', real_servers: [{ server: '192.168.0.18' }] };

/** For each key that describes state: arguments that must give another diff than those without the key. */
const INFLUENCE: Readonly<Record<string, readonly { readonly base: JsonObject; readonly with: JsonObject }[]>> = {
  copy: [
    { base: { dest: '/a', content: 'x' }, with: { dest: '/b' } },
    { base: { dest: '/a', content: 'x' }, with: { content: 'y' } },
    ...['mode', 'owner', 'group'].map((key) => ({ base: { dest: '/a', content: 'x' }, with: { [key]: key === 'mode' ? '0640' : 'adm' } })),
  ],
  file: [
    { base: { path: '/a', state: 'directory' }, with: { path: '/b' } },
    { base: { path: '/a' }, with: { state: 'absent' } },
    { base: { path: '/a', state: 'link', src: 'one' }, with: { src: 'two' } },
    ...['mode', 'owner', 'group'].map((key) => ({ base: { path: '/a' }, with: { [key]: key === 'mode' ? '0640' : 'adm' } })),
  ],
  ip_address: [
    { base: { interface: 'lo', address: '192.168.0.39/32' }, with: { interface: 'eth0' } },
    { base: { interface: 'lo', address: '192.168.0.39/32' }, with: { address: '192.168.0.40/32' } },
    { base: { interface: 'lo', address: '192.168.0.39/32' }, with: { state: 'absent' } },
    { base: { interface: 'lo', address: '192.168.0.39/32' }, with: { persistent: false } },
  ],
  ipvs: [
    { base: SERVICE, with: { service: '192.168.0.39:80' } },
    { base: SERVICE, with: { protocol: 'udp' } },
    { base: { scheduler: 'rr', fwmark: 7 }, with: { fwmark: 8 } },
    { base: { scheduler: 'rr', fwmark: 7 }, with: { family: 6 } },
    { base: SERVICE, with: { scheduler: 'sh' } },
    { base: { ...SERVICE, scheduler: 'sh' }, with: { scheduler_flags: ['sh-port'] } },
    { base: { ...SERVICE, protocol: 'udp' }, with: { one_packet: true } },
    { base: SERVICE, with: { persistence: 300 } },
    { base: { ...SERVICE, persistence: 300 }, with: { persistence_prefix: 24 } },
    { base: { ...SERVICE, persistence: 300 }, with: { persistence_engine: 'sip' } },
    { base: SERVICE, with: { mode: 'nat' } },
    { base: SERVICE, with: { real_servers: [{ server: '192.168.0.28', weight: 3 }] } },
    { base: SERVICE, with: { state: 'absent' } },
  ],
  keepalived: [{ base: {}, with: { path: '/etc/other.conf' } }],
  kernel_module: [
    { base: { name: 'ip_vs' }, with: { name: 'ip_vs_rr' } },
    { base: { name: 'ip_vs' }, with: { state: 'absent' } },
    { base: { name: 'ip_vs' }, with: { persistent: 'present' } },
  ],
  lvs_director: [],
  lvs_drain: [
    { base: { servers: ['rs1'] }, with: { servers: ['rs2'] } },
    { base: { servers: ['rs1'] }, with: { weight: '50%' } },
    { base: { servers: ['rs1'] }, with: { state: 'absent' } },
    { base: { servers: ['rs1'] }, with: { by: 'bob' } },
    { base: { servers: ['rs1'] }, with: { reason: 'another' } },
    { base: { servers: ['rs1'] }, with: { until: '2026-11-24T06:00:00Z' } },
  ],
  lvs_failover: [
    { base: { pairs: ['edge'], to: 'lvs2' }, with: { to: 'lvs1' } },
    { base: { pairs: ['edge'], to: 'lvs2' }, with: { state: 'absent' } },
    { base: { pairs: ['edge'], to: 'lvs2' }, with: { by: 'bob' } },
    { base: { pairs: ['edge'], to: 'lvs2' }, with: { reason: 'another' } },
    { base: { pairs: ['edge'], to: 'lvs2' }, with: { until: '2026-11-24T06:00:00Z' } },
    { base: { pairs: ['gone'], state: 'absent' }, with: { pairs: ['edge'] } },
  ],
  lvs_firewall: [],
  lvs_gateway: [],
  lvs_real_server: [],
  lvs_restore: [],
  lvs_scripts: [],
  package: [
    { base: { name: 'a' }, with: { name: 'b' } },
    { base: { name: 'a' }, with: { state: 'absent' } },
  ],
  reboot: [{ base: {}, with: { if_required: true } }],
  service: [
    { base: { name: 'a', state: 'started' }, with: { name: 'b' } },
    { base: { name: 'a', state: 'started' }, with: { state: 'stopped' } },
    { base: { name: 'a' }, with: { enabled: true } },
    { base: { name: 'a' }, with: { masked: true } },
    { base: { name: 'a' }, with: { daemon_reload: true } },
  ],
  sysctl: [
    { base: { name: 'net.a', value: 1 }, with: { name: 'net.b' } },
    { base: { name: 'net.a', value: 1 }, with: { value: 2 } },
    { base: { name: 'net.ipv4.ip_forward', value: 1 }, with: { state: 'absent' } },
    { base: { name: 'net.a', value: 1 }, with: { sysctl_file: '/etc/sysctl.d/x.conf' } },
  ],
  template: [
    { base: { src: 't.j2', dest: '/a' }, with: { dest: '/b' } },
    ...['mode', 'owner', 'group'].map((key) => ({ base: { src: 't.j2', dest: '/a' }, with: { [key]: key === 'mode' ? '0640' : 'adm' } })),
  ],
};

/** Makes lvs1 the way out of the real servers' network. */
const NAT = 'nat_networks: { inside: { on: lvs1, network: 192.168.0.0/24, gateway: 192.168.0.48 } }\n';

/** The hosts on which a module makes sense. */
function contextsOf(module: ModuleDef) {
  const tunnels = topologyOf(changed(EXAMPLE, 'mode: dr', 'mode: tun'));
  if (module.name === 'lvs_real_server') return [contextOf('rs1'), contextOf('rs1', tunnels), contextOf('lvs1')];
  if (module.name === 'lvs_firewall') return [contextOf('lvs1', topologyOf(`${NAT}${changed(SINGLE, 'mode: dr', 'mode: nat')}`)), contextOf('lvs1')];
  if (module.name === 'lvs_gateway') return [contextOf('rs1', topologyOf(`${NAT}${changed(SINGLE, 'mode: dr', 'mode: nat')}`)), contextOf('rs1')];
  if (module.name === 'lvs_scripts') return [contextOf('lvs1', topologyOf(`scripts: { check: "#!/bin/sh\\n" }\n${EXAMPLE}`)), contextOf('lvs1')];
  if (module.name === 'lvs_director' || module.name === 'ipvs') return [contextOf('lvs1', topologyOf(SINGLE)), contextOf('lvs1')];
  if (module.name === 'keepalived') return [contextOf('lvs1'), contextOf('lvs1', topologyOf(`drain: { method: flag }\n${EXAMPLE}`))];
  return [contextOf('lvs1')];
}

/** Every case of the laws: examples and the arguments above. */
function* casesOf(module: ModuleDef) {
  const args = [...module.examples.map((example) => example.args as JsonObject), ...(INFLUENCE[module.name] ?? []).flatMap((pair) => [pair.base, { ...pair.base, ...pair.with }])];
  for (const context of contextsOf(module)) {
    for (const [world, from] of Object.entries(worlds)) {
      for (const one of args) yield { args: one, world, from, context, name: `${module.name} ${JSON.stringify(one)} on ${context.host}, ${world}` };
    }
  }
}

describe.each(modules.map((module) => [module.name, module] as const))('%s', (_name, module) => {
  const schema = module.schema as { additionalProperties?: boolean; properties: Record<string, { description?: string }> };
  const keys = Object.keys(schema.properties);

  it('is documented, and takes nothing unknown', () => {
    expect(module.summary).toMatch(/^[A-Z].*[^.]$/);
    expect(module.examples.length).toBeGreaterThan(0);
    for (const [key, property] of Object.entries(schema.properties)) expect(property.description, key).toMatch(/\S/);
    expect(schema.additionalProperties).toBe(module.name === 'set_fact');
    for (const key of [...module.notState, ...(module.expressions ?? []), ...(module.freeForm === undefined ? [] : [module.freeForm])]) expect(keys).toContain(key);
  });

  it('has examples that are valid', async () => {
    for (const { args } of module.examples) await validateArgs(module, { value: args as JsonObject, locate: () => undefined });
  });

  it('does something when there is a difference, and says which answers are doubtful then', async () => {
    for (const { args, from, context, name } of casesOf(module)) {
      const played = await unlessRefused(play(module, args, from, context));
      if (played === undefined) continue;
      const { changes, steps, next, requests, store } = played;
      expect(steps.length > 0 || changes.length === 0, name).toBe(true);
      const stale = steps.flatMap((step) => step.stale);
      for (const { fact, key } of requests.filter((request) => isPatched(store, next, request))) {
        expect(stale.some((doubt) => doubt.fact === fact.name && (doubt.key === '*' || doubt.key === key)), `${name}: ${fact.name} ${key} changes`).toBe(true);
      }
    }
  });

  it('gives steps that shells can read', async () => {
    const scripts: string[] = [];
    for (const { args, from, context } of casesOf(module)) {
      const played = await unlessRefused(play(module, args, from, context));
      scripts.push(...(played?.steps ?? []).flatMap((step) => (step.kind === 'wait' ? [`(\n${step.script}\n)`] : [])));
      scripts.push(`(\n${renderSteps((played?.steps ?? []).filter((step) => step.kind !== 'reboot' && step.kind !== 'wait'), 'abcdef')}\n:)`);
    }
    for (const shell of [['dash', '-n'], ['busybox', 'sh', '-n']]) {
      const { stderr, status } = spawnSync(shell[0] ?? '', shell.slice(1), { input: scripts.join('\n'), encoding: 'utf8' });
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    }
  });
});

describe.each(stateful.map((module) => [module.name, module] as const))('%s', (_name, module) => {
  it('has nothing left to do afterwards', async () => {
    for (const { args, from, context, name } of casesOf(module)) {
      // These act every time: that is what they are for.
      if (args['state'] === 'restarted' || args['state'] === 'reloaded' || (module.name === 'reboot' && args['if_required'] !== true)) continue;
      const played = await unlessRefused(play(module, args, from, context));
      if (played === undefined) continue;
      expect(played.diff(played.next), name).toEqual([]);
    }
  });

  it('compares every argument that describes state', async () => {
    const pairs = INFLUENCE[module.name] ?? [];
    const state = Object.keys((module.schema as { properties: object }).properties).filter((key) => !module.notState.includes(key));
    expect([...new Set(pairs.flatMap((pair) => Object.keys(pair.with)))].sort()).toEqual([...state].sort());
    for (const pair of pairs) {
      const differs = await Promise.all(
        Object.values(worlds).map(async (world) => {
          const [context] = contextsOf(module);
          if (context === undefined) return false;
          const one = await unlessRefused(play(module, pair.base, world, context));
          const other = await unlessRefused(play(module, { ...pair.base, ...pair.with }, world, context));
          return one !== undefined && other !== undefined && JSON.stringify(one.changes) !== JSON.stringify(other.changes);
        }),
      );
      expect(differs, `${module.name} ${JSON.stringify(pair)}`).toContain(true);
    }
  });
});

it('a command makes every fact doubtful', async () => {
  const folder = path.join(import.meta.dirname, '../../../src/facts');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !['contract.ts', 'gather.ts', 'store.ts', 'records/records.ts', 'system/apt-lists.ts', 'system/apt-locks.ts'].includes(file));
  const names = await Promise.all(
    files.map(async (file) => {
      const exported = (await import(/* @vite-ignore */ path.join(folder, file))) as Record<string, Partial<FactDef> | undefined>;
      return Object.entries(exported).find(([name]) => name.endsWith('Fact'))?.[1]?.name;
    }),
  );
  expect(EVERYTHING_STALE.map(({ fact }) => fact).sort()).toEqual(names.sort());
});

/** A host may be in a state that a module refuses to touch. */
async function unlessRefused(playing: ReturnType<typeof play>): Promise<Play | undefined> {
  try {
    return await playing;
  } catch (error) {
    if (error instanceof LvsPlayError && error.kind === 'host') return undefined;
    throw error;
  }
}

type Play = Awaited<ReturnType<typeof play>>;

/** Whether a plan expects another answer than before. */
function isPatched(before: Play['store'], after: Play['next'], { fact, key }: Play['requests'][number]): boolean {
  return !before.isPredicted(fact.name, key) && after.isPredicted(fact.name, key);
}
