import type { JsonObject } from '../../core/json.ts';
import { addressFact } from '../../facts/network/address.ts';
import { contentFact } from '../../facts/files/content.ts';
import { type FactReader, patch, request } from '../../facts/contract.ts';
import { kernelModuleFact } from '../../facts/system/kernel-module.ts';
import { sysctlFact } from '../../facts/system/sysctl.ts';
import { tunnelFact } from '../../facts/network/tunnel.ts';
import { recorded, recordedAddresses, type ScriptAddress } from '../../lvs/host/boot-script.ts';
import {
  type CarriedAddress,
  REAL_SERVER_SCRIPT,
  REAL_SERVER_UNIT,
  REAL_SERVER_UNIT_TEXT,
  realServerAddresses,
  realServerKernelModules,
  realServerSysctls,
  realServerTunnelParts,
  renderRealServerScript,
} from '../../lvs/host/real-server.ts';
import { MODULE_DEVICES, recordedPart, TUNNEL_DEVICES, type TunnelPart } from '../../lvs/host/tunnels.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import { type BootService, bootChanges, bootPatches, bootRemoval, bootRequests, bootSteps } from './boot-service.ts';
import { type Change, defineModule, type Step } from '../contract.ts';
import { sysctlStep } from '../system/write-sysctls.ts';
import { topologyFor } from './topology.ts';

const schema = { type: 'object', additionalProperties: false, properties: {} } as const;

const STALE = ['sysctl', 'address', 'unit', 'kernel_module', 'tunnel'].map((fact) => ({ fact, key: '*' }));

/** Every interface that may carry a VIP: all are looked at, so that addresses of an earlier topology are found. */
const CARRIERS = ['lo', ...TUNNEL_DEVICES] as const;

export default defineModule<JsonObject>({
  name: 'lvs_real_server',
  summary: 'Make a DR or TUN real server carry its virtual IPs without answering ARP for them, also after a reboot',
  schema,
  notState: [],
  examples: [{ name: 'From the topology', args: {} }],
  facts: (_args, context) => {
    const topology = topologyFor('lvs_real_server', context);
    return [
      ...CARRIERS.map((name) => request(addressFact, name)),
      ...realServerKernelModules(topology, context.host).map((name) => request(kernelModuleFact, name)),
      ...realServerTunnelParts(topology, context.host).map(({ key }) => request(tunnelFact, key)),
      ...Object.keys(realServerSysctls(topology, context.host)).map((name) => request(sysctlFact, name)),
      ...bootRequests(bootService(topology, context.host)),
    ] as never;
  },
  diff: (_args, facts, context): Change[] => {
    const topology = topologyFor('lvs_real_server', context);
    const { host } = context;
    const service = bootService(topology, host);
    const boot = bootChanges(service, facts);
    const retired = [
      ...retiredAddresses(topology, host, facts).map(({ interface: name, address }): Change => ({ path: `${name} ${address}`, before: 'present', after: null })),
      ...retiredParts(topology, host, facts).map(({ key }): Change => ({ path: `tunnel ${key}`, before: 'present', after: null })),
    ];
    if (service.scriptText === undefined) return [...retired, ...boot];
    const modules = realServerKernelModules(topology, host).flatMap((name): Change[] => (facts.get(kernelModuleFact, name).loaded ? [] : [{ path: `module ${name}`, before: null, after: 'loaded' }]));
    const sysctls = Object.entries(realServerSysctls(topology, host)).flatMap(([name, value]): Change[] => {
      const now = facts.get(sysctlFact, name);
      return now === value ? [] : [{ path: `sysctl ${name}`, before: now, after: value }];
    });
    const addresses = missingAddresses(topology, host, facts).map(({ interface: name, address }): Change => ({ path: `${name} ${address}`, before: null, after: 'present' }));
    const parts = missingParts(topology, host, facts).map(({ key }): Change => ({ path: `tunnel ${key}`, before: null, after: 'present' }));
    return [...modules, ...parts, ...sysctls, ...retired, ...boot, ...addresses];
  },
  apply: (_args, changes, facts, context): Step[] => {
    if (changes.length === 0) return [];
    const topology = topologyFor('lvs_real_server', context);
    const { host } = context;
    const service = bootService(topology, host);
    const step = (title: string, ...argv: string[]): Step => ({ kind: 'exec', title, argv, stale: STALE });
    const steps: Step[] = [];
    // The ARP rules come before the addresses: for a moment without them, this host would take the virtual IP from the director.
    for (const name of realServerKernelModules(topology, host)) steps.push(step(`load ${name}`, 'modprobe', name));
    const part = ({ key }: TunnelPart, verb: 'add' | 'remove', script: string): Step => ({ kind: 'script', title: `${verb} tunnel ${key}`, script, stale: STALE });
    for (const one of missingParts(topology, host, facts)) steps.push(part(one, 'add', one.add));
    const sysctls = realServerSysctls(topology, host);
    if (Object.keys(sysctls).length > 0) steps.push(sysctlStep('keep the virtual IPs off ARP', sysctls));
    for (const { interface: name, address } of retiredAddresses(topology, host, facts)) steps.push(step(`remove ${address} from ${name}`, 'ip', 'address', 'delete', address, 'dev', name));
    for (const one of retiredParts(topology, host, facts)) steps.push(part(one, 'remove', one.remove));
    if (service.scriptText === undefined) return [...steps, ...bootRemoval(service, changes, STALE)];
    const { write, start } = bootSteps(service, changes, STALE);
    steps.push(...write);
    // Never a restart: it would take the virtual IPs away for a moment.
    for (const { interface: name } of missingAddresses(topology, host, facts)) if (name !== 'lo') steps.push(step(`set ${name} up`, 'ip', 'link', 'set', name, 'up'));
    for (const { interface: name, address } of missingAddresses(topology, host, facts)) steps.push(step(`put ${address} on ${name}`, 'ip', 'address', 'replace', address, 'dev', name));
    steps.push(...start);
    return steps;
  },
  after: (_args, _changes, facts, context) => {
    const topology = topologyFor('lvs_real_server', context);
    const { host } = context;
    const wanted = realServerAddresses(topology, host);
    const retired = retiredAddresses(topology, host, facts);
    const made = realServerKernelModules(topology, host).map((name) => MODULE_DEVICES[name]);
    return [
      ...CARRIERS.map((name) =>
        patch(addressFact, name, (state) => {
          const kept = state.addresses.filter((address) => !retired.some((gone) => gone.interface === name && gone.address === address));
          const added = wanted.filter((one) => one.interface === name && !kept.includes(one.address)).map((one) => one.address);
          const deleted = retiredParts(topology, host, facts).some(({ key }) => key === `link ${name}`);
          return { exists: (state.exists && !deleted) || added.length > 0 || made.some((device) => device === name), addresses: [...kept, ...added] };
        }),
      ),
      ...realServerKernelModules(topology, host).map((name) => patch(kernelModuleFact, name, () => ({ loaded: true }))),
      ...Object.entries(realServerSysctls(topology, host)).map(([name, value]) => patch(sysctlFact, name, () => value)),
      ...realServerTunnelParts(topology, host).map(({ key }) => patch(tunnelFact, key, () => true)),
      ...bootPatches(bootService(topology, host)),
    ];
  },
});

function missingAddresses(topology: Topology, host: string, facts: FactReader): CarriedAddress[] {
  return realServerAddresses(topology, host).filter(({ interface: name, address }) => !facts.get(addressFact, name).addresses.includes(address));
}

/** Addresses that our own script put there and the topology no longer has. Others' addresses are not ours to remove. */
function retiredAddresses(topology: Topology, host: string, facts: FactReader): ScriptAddress[] {
  const wanted = realServerAddresses(topology, host).map(({ interface: name, address }) => `${name} ${address}`);
  return recordedAddresses(facts.get(contentFact, REAL_SERVER_SCRIPT).text ?? '').filter(
    ({ interface: name, address }) => CARRIERS.some((carrier) => carrier === name) && !wanted.includes(`${name} ${address}`) && facts.get(addressFact, name).addresses.includes(address),
  );
}

function missingParts(topology: Topology, host: string, facts: FactReader): TunnelPart[] {
  return realServerTunnelParts(topology, host).filter(({ key }) => !facts.get(tunnelFact, key));
}

/** Parts that our own script made and the topology no longer has. The last made goes first. */
function retiredParts(topology: Topology, host: string, facts: FactReader): TunnelPart[] {
  const wanted = realServerTunnelParts(topology, host).map(({ key }) => key);
  return recorded(facts.get(contentFact, REAL_SERVER_SCRIPT).text ?? '', 'parts')
    .filter((key) => !wanted.includes(key))
    .flatMap((key) => recordedPart(key) ?? [])
    .reverse();
}

function bootService(topology: Topology, host: string): BootService {
  return { unit: REAL_SERVER_UNIT, unitText: REAL_SERVER_UNIT_TEXT, script: REAL_SERVER_SCRIPT, scriptText: renderRealServerScript(topology, host) };
}
