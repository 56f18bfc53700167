import { LvsPlayError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { addressFact } from '../facts/address.ts';
import { contentFact, contentOf, NO_CONTENT } from '../facts/content.ts';
import { type FactReader, patch, request } from '../facts/contract.ts';
import { kernelModuleFact } from '../facts/kernel-module.ts';
import { sysctlFact } from '../facts/sysctl.ts';
import { NEW_UNIT, unitFact } from '../facts/unit.ts';
import {
  type CarriedAddress,
  REAL_SERVER_UNIT,
  REAL_SERVER_UNIT_PATH,
  realServerAddresses,
  realServerKernelModules,
  realServerSysctls,
  renderRealServerUnit,
} from '../lvs/host/real-server.ts';
import type { Topology } from '../lvs/model/topology.ts';
import { type Change, defineModule, type ModuleContext, type Step } from './contract.ts';
import { contentChange } from './text-change.ts';
import { sysctlStep } from './write-sysctls.ts';

const schema = { type: 'object', additionalProperties: false, properties: {} } as const;

const STALE = ['sysctl', 'address', 'unit', 'kernel_module'].map((fact) => ({ fact, key: '*' }));

/** Every interface that may carry a VIP: all are looked at, so that addresses of an earlier topology are found. */
const CARRIERS = ['lo', 'tunl0', 'ip6tnl0'] as const;

export default defineModule<JsonObject>({
  name: 'lvs_real_server',
  summary: 'Make a DR or TUN real server carry its virtual IPs without answering ARP for them, also after a reboot',
  schema,
  notState: [],
  examples: [{ name: 'From the topology', args: {} }],
  facts: (_args, context) => {
    const topology = topologyOf(context);
    return [
      ...CARRIERS.map((name) => request(addressFact, name)),
      ...realServerKernelModules(topology, context.host).map((name) => request(kernelModuleFact, name)),
      ...Object.keys(realServerSysctls(topology, context.host)).map((name) => request(sysctlFact, name)),
      request(contentFact, REAL_SERVER_UNIT_PATH),
      request(unitFact, REAL_SERVER_UNIT),
    ] as never;
  },
  diff: (_args, facts, context): Change[] => {
    const topology = topologyOf(context);
    const { host } = context;
    const text = renderRealServerUnit(topology, host);
    const file = facts.get(contentFact, REAL_SERVER_UNIT_PATH);
    // Without its file there is no unit, whatever a package installed before is expected to bring.
    const unit = file.state === 'absent' ? NEW_UNIT : facts.get(unitFact, REAL_SERVER_UNIT);
    const retired = retiredAddresses(topology, host, facts).map(({ interface: name, address }): Change => ({ path: `${name} ${address}`, before: 'present', after: null }));
    if (text === undefined) return file.state === 'absent' ? retired : [...retired, { path: REAL_SERVER_UNIT_PATH, before: 'file', after: null }];
    const modules = realServerKernelModules(topology, host).flatMap((name): Change[] => (facts.get(kernelModuleFact, name).loaded ? [] : [{ path: `module ${name}`, before: null, after: 'loaded' }]));
    const sysctls = Object.entries(realServerSysctls(topology, host)).flatMap(([name, value]): Change[] => {
      const now = facts.get(sysctlFact, name);
      return now === value ? [] : [{ path: `sysctl ${name}`, before: now, after: value }];
    });
    const addresses = missingAddresses(topology, host, facts).map(({ interface: name, address }): Change => ({ path: `${name} ${address}`, before: null, after: 'present' }));
    const boot: Change[] = unit.enabled === 'enabled' ? [] : [{ path: `${REAL_SERVER_UNIT} enabled`, before: false, after: true }];
    const active: Change[] = unit.active ? [] : [{ path: `${REAL_SERVER_UNIT} state`, before: 'inactive', after: 'active' }];
    return [...modules, ...sysctls, ...retired, ...contentChange(REAL_SERVER_UNIT_PATH, file, Buffer.from(text)), ...boot, ...active, ...addresses];
  },
  apply: (_args, changes, facts, context): Step[] => {
    if (changes.length === 0) return [];
    const topology = topologyOf(context);
    const { host } = context;
    const text = renderRealServerUnit(topology, host);
    const step = (title: string, ...argv: string[]): Step => ({ kind: 'exec', title, argv, stale: STALE });
    const steps: Step[] = [];
    // The ARP rules come before the addresses: for a moment without them, this host would take the virtual IP from the director.
    for (const name of realServerKernelModules(topology, host)) steps.push(step(`load ${name}`, 'modprobe', name));
    const sysctls = realServerSysctls(topology, host);
    if (Object.keys(sysctls).length > 0) steps.push(sysctlStep('keep the virtual IPs off ARP', sysctls));
    for (const { interface: name, address } of retiredAddresses(topology, host, facts)) steps.push(step(`remove ${address} from ${name}`, 'ip', 'address', 'delete', address, 'dev', name));
    const stale = [...STALE, { fact: 'content', key: REAL_SERVER_UNIT_PATH }, { fact: 'file', key: REAL_SERVER_UNIT_PATH }];
    if (text === undefined) {
      // Stopped as well: without its file it would stay active, and then not be started when it comes back.
      steps.push(step(`disable ${REAL_SERVER_UNIT}`, 'systemctl', 'disable', '--now', REAL_SERVER_UNIT));
      steps.push({ kind: 'exec', title: `remove ${REAL_SERVER_UNIT_PATH}`, argv: ['rm', '-f', '--', REAL_SERVER_UNIT_PATH], stale });
      steps.push(step('read unit files again', 'systemctl', 'daemon-reload'));
      return steps;
    }
    if (changes.some((change) => change.path === REAL_SERVER_UNIT_PATH)) {
      steps.push({ kind: 'put', title: `write ${REAL_SERVER_UNIT_PATH}`, path: REAL_SERVER_UNIT_PATH, content: Buffer.from(text), mode: '0644', owner: 'root', group: 'root', stale });
      steps.push(step('read unit files again', 'systemctl', 'daemon-reload'));
    }
    if (changes.some((change) => change.path.endsWith(' enabled'))) steps.push(step(`enable ${REAL_SERVER_UNIT}`, 'systemctl', 'enable', REAL_SERVER_UNIT));
    // Never a restart: it would take the virtual IPs away for a moment.
    for (const { interface: name } of missingAddresses(topology, host, facts)) if (name !== 'lo') steps.push(step(`set ${name} up`, 'ip', 'link', 'set', name, 'up'));
    for (const { interface: name, address } of missingAddresses(topology, host, facts)) steps.push(step(`put ${address} on ${name}`, 'ip', 'address', 'replace', address, 'dev', name));
    if (changes.some((change) => change.path.endsWith(' state'))) steps.push(step(`start ${REAL_SERVER_UNIT}`, 'systemctl', 'start', REAL_SERVER_UNIT));
    return steps;
  },
  after: (_args, _changes, facts, context) => {
    const topology = topologyOf(context);
    const { host } = context;
    const text = renderRealServerUnit(topology, host);
    const wanted = realServerAddresses(topology, host);
    const retired = retiredAddresses(topology, host, facts);
    return [
      ...CARRIERS.map((name) =>
        patch(addressFact, name, (state) => {
          const kept = state.addresses.filter((address) => !retired.some((gone) => gone.interface === name && gone.address === address));
          const added = wanted.filter((one) => one.interface === name && !kept.includes(one.address)).map((one) => one.address);
          return { exists: state.exists || added.length > 0, addresses: [...kept, ...added] };
        }),
      ),
      ...realServerKernelModules(topology, host).map((name) => patch(kernelModuleFact, name, () => ({ loaded: true }))),
      ...Object.entries(realServerSysctls(topology, host)).map(([name, value]) => patch(sysctlFact, name, () => value)),
      patch(contentFact, REAL_SERVER_UNIT_PATH, () => (text === undefined ? NO_CONTENT : contentOf(Buffer.from(text)))),
      patch(unitFact, REAL_SERVER_UNIT, () => (text === undefined ? { exists: false, active: false, enabled: '', needsReload: false } : { exists: true, active: true, enabled: 'enabled', needsReload: false })),
    ];
  },
});

function missingAddresses(topology: Topology, host: string, facts: FactReader): CarriedAddress[] {
  return realServerAddresses(topology, host).filter(({ interface: name, address }) => !facts.get(addressFact, name).addresses.includes(address));
}

/** Addresses that our own unit put there and the topology no longer has. Others' addresses are not ours to remove. */
function retiredAddresses(topology: Topology, host: string, facts: FactReader): CarriedAddress[] {
  const old = facts.get(contentFact, REAL_SERVER_UNIT_PATH).text ?? '';
  const wanted = realServerAddresses(topology, host).map(({ interface: name, address }) => `${name} ${address}`);
  return [...old.matchAll(/^ExecStart=\S*ip address replace (\S+) dev (lo|tunl0|ip6tnl0)$/gm)]
    .map(([, address = '', name]) => ({ interface: name as CarriedAddress['interface'], address }))
    .filter(({ interface: name, address }) => !wanted.includes(`${name} ${address}`) && facts.get(addressFact, name).addresses.includes(address));
}

function topologyOf(context: ModuleContext): Topology {
  if (context.topology !== undefined) return context.topology;
  throw new LvsPlayError({ code: 'no-topology', kind: 'input', message: 'lvs_real_server needs the inventory variable lvs', hint: 'describe the cluster in the variable lvs (docs/inventory.md)' });
}
