import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LvsPlayError } from '../../../src/core/errors.ts';
import type { Json } from '../../../src/core/json.ts';
import { contentOf, NO_CONTENT } from '../../../src/facts/files/content.ts';
import { recordedAddresses } from '../../../src/lvs/host/boot-script.ts';
import { REAL_SERVER_SCRIPT, REAL_SERVER_UNIT, realServerAddresses, realServerTunnelParts } from '../../../src/lvs/host/real-server.ts';
import { ABSENT } from '../../../src/facts/files/file.ts';
import type { Topology } from '../../../src/lvs/model/topology.ts';
import type { Step } from '../../../src/modules/contract.ts';
import { loadModule } from '../../../src/modules/registry.ts';
import { topologyOf } from '../lvs/support.ts';
import { contextOf, play } from './support.ts';

const UNIT_PATH = `/etc/systemd/system/${REAL_SERVER_UNIT}`;

/** Not ours: it must outlive everything. */
const FOREIGN = '10.9.9.9/32';

/** As much of a host as the steps of lvs_real_server touch. */
class ModelHost {
  readonly addresses = new Map<string, Set<string>>([['lo', new Set(['127.0.0.1/8', FOREIGN])]]);
  readonly sysctls = new Map<string, string>();
  readonly modules = new Set<string>();
  /** Parts of tunnels, by the line that makes each. */
  readonly parts = new Map<string, string>();
  file: string | undefined;
  script: string | undefined;
  enabled = false;
  active = false;
  /** What systemd has loaded; a unit without a file runs on with it. */
  loaded: string | undefined;

  fact(fact: string, key: string): Json {
    switch (fact) {
      case 'address':
        return { exists: this.addresses.has(key), addresses: [...(this.addresses.get(key) ?? [])] };
      case 'sysctl':
        return this.sysctls.get(key) ?? '0';
      case 'kernel_module':
        return { loaded: this.modules.has(key) };
      case 'tunnel':
        return this.parts.has(key);
      case 'content':
        return this.contentOf(key === UNIT_PATH ? this.file : this.script);
      case 'file':
        return this.script === undefined ? ABSENT : { type: 'file', mode: '0755', owner: 'root', group: 'root' };
      case 'unit':
        return { exists: this.loaded !== undefined, active: this.active, enabled: this.file === undefined ? '' : this.enabled ? 'enabled' : 'disabled', needsReload: this.file !== this.loaded };
      default:
        throw new Error(`nobody asked for ${fact}`);
    }
  }

  private contentOf(text: string | undefined): Json {
    return text === undefined ? NO_CONTENT : contentOf(Buffer.from(text));
  }

  do(step: Step): void {
    if (step.kind === 'put') {
      expect([REAL_SERVER_SCRIPT, UNIT_PATH]).toContain(step.path);
      const text = Buffer.from(step.content).toString();
      if (step.path === UNIT_PATH) this.file = text;
      else this.script = text;
    } else if (step.kind === 'script' && /^(add|remove) tunnel /.test(step.title)) {
      this.tunnel(step.title, step.script);
    } else if (step.kind === 'script') {
      for (const [, value = '', name = ''] of step.script.matchAll(/^printf '%s\\n' (\S+) >\/proc\/sys\/(\S+) /gm)) this.sysctls.set(name.replaceAll('/', '.'), value);
    } else if (step.kind === 'exec') {
      this.command(step.argv.join(' '));
    } else {
      throw new Error('nothing is the controller’s');
    }
    this.invariant(step.title);
  }

  tunnel(title: string, script: string): void {
    const [, verb = '', key = ''] = /^(add|remove) tunnel (.+)$/.exec(title) ?? [];
    const [, name = ''] = /^link (\S+)$/.exec(key) ?? [];
    expect(script).toContain(key.split(' ').at(-1));
    if (verb === 'add') {
      this.parts.set(key, script);
      if (name !== '') this.addresses.set(name, new Set());
    } else {
      expect(this.parts.delete(key), title).toBe(true);
      if (name !== '') this.addresses.delete(name);
    }
  }

  command(line: string): void {
    const [, module] = /^modprobe (ipip|ip_gre|fou)$/.exec(line) ?? [];
    if (module !== undefined) {
      this.modules.add(module);
      const device = { ipip: 'tunl0', ip_gre: 'gre0' }[module];
      if (device !== undefined && !this.addresses.has(device)) this.addresses.set(device, new Set());
      return;
    }
    const [, verb, address = '', name = ''] = /^ip address (replace|delete) (\S+) dev (\S+)$/.exec(line) ?? [];
    if (verb !== undefined) {
      const carrier = this.addresses.get(name);
      if (carrier === undefined) throw new Error(`Cannot find device "${name}"`);
      if (verb === 'delete' && !carrier.delete(address)) throw new Error('RTNETLINK answers: Cannot assign requested address');
      if (verb === 'replace') carrier.add(address);
      return;
    }
    switch (line) {
      case 'ip link set tunl0 up':
      case 'ip link set gre0 up':
      case 'ip link set lvs_gre up':
        return;
      case 'systemctl daemon-reload':
        this.loaded = this.file;
        return;
      case `systemctl enable ${REAL_SERVER_UNIT}`:
        if (this.file === undefined) throw new Error('Unit does not exist');
        this.enabled = true;
        return;
      case `systemctl start ${REAL_SERVER_UNIT}`:
        this.active = true;
        return;
      case `systemctl disable --now ${REAL_SERVER_UNIT}`:
        this.enabled = false;
        this.active = false;
        for (const { interface: carrier, address } of recordedAddresses(this.script ?? '')) this.addresses.get(carrier)?.delete(address);
        return;
      case `rm -f -- ${UNIT_PATH}`:
        this.file = undefined;
        return;
      case `rm -f -- ${REAL_SERVER_SCRIPT}`:
        this.script = undefined;
        return;
      default:
        throw new Error(`what is ${line}?`);
    }
  }

  /** At every moment: with a virtual IP, silent on ARP; and what is others' is left alone. */
  invariant(step: string): void {
    for (const [name, addresses] of this.addresses) {
      const vips = [...addresses].filter((address) => address.startsWith('192.168.0.'));
      if (vips.length > 0) expect([this.sysctls.get('net.ipv4.conf.all.arp_ignore'), this.sysctls.get('net.ipv4.conf.all.arp_announce')], `after "${step}", ${name} has ${vips.join()}`).toEqual(['1', '2']);
    }
    expect(this.addresses.get('lo'), step).toContain(FOREIGN);
  }
}

const service = fc.record({ vip: fc.constantFrom('192.168.0.38', '192.168.0.39', '192.168.0.40'), mode: fc.constantFrom('dr', 'tun', 'nat'), tunnel: fc.constantFrom('ipip', 'gue', 'gre', '{ type: gue, port: 6081, checksum: remcsum }', '{ type: gre, checksum: csum }'), servers: fc.constantFrom(['rs1'], ['rs2'], ['rs1', 'rs2']) });
const cluster = fc.uniqueArray(service, { selector: ({ vip }) => vip, minLength: 1, maxLength: 3 }).map((services) =>
  [
    'ha_pairs:',
    '  edge:',
    '    members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }',
    '    interface: eth0',
    '    virtual_router_id: 51',
    `    vips: [${services.map(({ vip }) => vip).join(', ')}]`,
    'virtual_services:',
    ...services.flatMap(({ vip, mode, tunnel, servers }, index) => [`  s${String(index)}:`, '    on: edge', `    address: ${vip}:80`, `    mode: ${mode}`, ...(mode === 'tun' ? [`    tunnel: ${tunnel}`] : []), '    scheduler: rr', `    real_servers: { ${servers.map((name) => `${name}: { weight: 1 }`).join(', ')} }`]),
    '',
  ].join('\n'),
);

/** Undefined for a cluster that the topology's own rules refuse. */
function soundTopology(text: string): Topology | undefined {
  try {
    return topologyOf(text);
  } catch (error) {
    if (error instanceof LvsPlayError) return undefined;
    throw error;
  }
}

it('goes from any topology to any other as planned, silent on ARP at every step', async () => {
  const module = await loadModule('lvs_real_server');
  let deployed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(cluster, { minLength: 2, maxLength: 4 }), async (texts) => {
      const host = new ModelHost();
      for (const topology of texts.map(soundTopology)) {
        if (topology === undefined) continue;
        deployed++;
        const context = contextOf('rs1', topology);
        const session = await play(module, {}, (fact, key) => host.fact(fact, key), context);
        for (const step of session.steps) host.do(step);
        const reader = session.next.reader(session.requests);
        for (const { fact, key } of session.requests) {
          const [predicted, real] = [reader.get(fact, key), host.fact(fact.name, key)];
          // The kernel keeps the order in which addresses came.
          expect(sorted(real), `${fact.name} ${key}`).toEqual(sorted(predicted));
        }
        expect(session.diff(session.next)).toEqual([]);
        expect((await play(module, {}, (fact, key) => host.fact(fact, key), context)).changes).toEqual([]);
        const carried = [...host.addresses].flatMap(([name, addresses]) => [...addresses].filter((address) => address.startsWith('192.168.0.')).map((address) => `${name} ${address}`));
        expect([...host.parts.keys()].sort()).toEqual(realServerTunnelParts(topology, 'rs1').map(({ key }) => key).sort());
        expect(carried.sort()).toEqual(realServerAddresses(topology, 'rs1').map(({ interface: name, address }) => `${name} ${address}`).sort());
      }
    }),
    { numRuns: 60 },
  );
  expect(deployed).toBeGreaterThan(30);
});

function sorted(value: Json): Json {
  return JSON.parse(JSON.stringify(value, (_key, part: Json) => (Array.isArray(part) ? [...(part as string[])].sort() : part))) as Json;
}
