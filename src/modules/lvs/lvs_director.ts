import type { JsonObject } from '../../core/json.ts';
import { addressFact } from '../../facts/network/address.ts';
import { type FactReader, patch, request } from '../../facts/contract.ts';
import { ipvsFact, tableOf } from '../../facts/network/ipvs.ts';
import { recordedAddresses, type ScriptAddress } from '../../lvs/host/boot-script.ts';
import {
  DIRECTOR_SCRIPT,
  DIRECTOR_UNIT,
  DIRECTOR_UNIT_TEXT,
  directorAddresses,
  recordedServices,
  renderDirectorScript,
  scriptTable,
  scriptTimeouts,
} from '../../lvs/host/director-script.ts';
import { type IpvsCommand, ipvsCommands, serviceName } from '../../lvs/ipvs/commands.ts';
import { serviceKey } from '../../lvs/ipvs/types.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import { type BootService, bootChanges, bootPatches, bootRemoval, bootRequests, bootSteps } from './boot-service.ts';
import { type Change, defineModule, type Step } from '../contract.ts';
import { directorRecord, ownedServices } from './director-record.ts';
import { IPVS_STALE, ipvsAfter, ipvsChanges, ipvsSteps } from '../ipvs/changes.ts';
import { directorTopology, drainedTopology, DRAINS } from './topology.ts';

const schema = { type: 'object', additionalProperties: false, properties: {} } as const;

const STALE = [...IPVS_STALE, { fact: 'address', key: '*' }];

export default defineModule<JsonObject>({
  name: 'lvs_director',
  summary: 'Give a director its virtual services and virtual IPs without keepalived, by a script that also runs at boot; others are left alone',
  schema,
  notState: [],
  examples: [{ name: 'From the topology', args: {} }],
  facts: (_args, context) => {
    const topology = directorTopology(context);
    const { host } = context;
    return [
      ...bootRequests(bootService(topology, host)),
      ...interfacesOf(topology, host).map((name) => request(addressFact, name)),
      // A director that keepalived fills alone is not asked.
      ...(ipvsKey(topology, host) === undefined ? [] : [request(ipvsFact, ipvsKey(topology, host) ?? '')]),
      DRAINS,
    ] as never;
  },
  diff: (_args, facts, context): Change[] => {
    const topology = drainedTopology(context, facts);
    const { host } = context;
    const wanted = scriptTimeouts(topology, host);
    const address = ({ interface: name, address: one }: ScriptAddress, present: boolean): Change => ({ path: `${name} ${one}`, before: present ? 'present' : null, after: present ? null : 'present' });
    return [
      ...bootChanges(bootService(topology, host), facts),
      ...(wanted === undefined || timeoutsAreRight(topology, host, facts) ? [] : [{ path: 'ipvs time-outs', before: timeoutsNow(facts), after: [...wanted] }]),
      ...ipvsChanges(commandsOf(topology, host, facts)),
      ...missingAddresses(topology, host, facts).map((one) => address(one, false)),
      ...retiredAddresses(topology, host, facts).map((one) => address(one, true)),
    ];
  },
  apply: (_args, changes, facts, context): Step[] => {
    if (changes.length === 0) return [];
    const topology = drainedTopology(context, facts);
    const { host } = context;
    const service = bootService(topology, host);
    const commands = commandsOf(topology, host, facts);
    const steps: Step[] = [];
    const timeouts = scriptTimeouts(topology, host);
    if (timeouts !== undefined && !timeoutsAreRight(topology, host, facts)) {
      steps.push({ kind: 'exec', title: 'set the time-outs of connections', argv: ['ipvsadm', '--set', ...timeouts.map(String)], stale: IPVS_STALE });
    }
    // The services before the addresses: a client that came between them would be refused by the director itself. And all of it before the
    // script is replaced, which is the record of what is ours: an interrupted run is found and finished by the next.
    // By the record alone nobody knows whether a service is still there: ipvsadm's 255 then says that it is not.
    steps.push(...ipvsSteps(commands, ipvsKey(topology, host) === undefined ? [0, 255] : [0]));
    for (const { interface: name, address } of missingAddresses(topology, host, facts)) {
      // Nobody else has it: without nodad IPv6 would wait for an answer before it serves.
      const argv = ['ip', 'address', 'replace', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : [])];
      steps.push({ kind: 'exec', title: `put ${address} on ${name}`, argv, stale: STALE });
    }
    for (const { interface: name, address } of retiredAddresses(topology, host, facts)) {
      // Exit code 2: it, or its interface, is gone already.
      steps.push({ kind: 'exec', title: `remove ${address} from ${name}`, argv: ['ip', 'address', 'delete', address, 'dev', name], okCodes: [0, 1, 2], stale: STALE });
    }
    if (service.scriptText === undefined) return [...steps, ...bootRemoval(service, changes, STALE)];
    const { write, start } = bootSteps(service, changes, STALE);
    return [...steps, ...write, ...start];
  },
  after: (_args, _changes, facts, context) => {
    const topology = drainedTopology(context, facts);
    const { host } = context;
    const key = ipvsKey(topology, host);
    const retired = retiredAddresses(topology, host, facts);
    const owned = ownedServices(topology, host, facts);
    return [
      ...bootPatches(bootService(topology, host)),
      ...interfacesOf(topology, host).map((name) =>
        patch(addressFact, name, (state) => {
          const kept = state.addresses.filter((address) => !retired.some((gone) => gone.interface === name && gone.address === address));
          const added = directorAddresses(topology, host).filter((one) => one.interface === name && !kept.includes(one.address)).map((one) => one.address);
          return { exists: state.exists || added.length > 0, addresses: [...kept, ...added] };
        }),
      ),
      ...(key === undefined ? [] : [patch(ipvsFact, key, (state) => ({ ...ipvsAfter(state, scriptTable(topology, host), owned), timeouts: scriptTimeouts(topology, host) ?? state.timeouts }))]),
    ] as never;
  },
});

/** What of the kernel's table has to change; of a director that has no service of ours any more, by the record alone. */
function commandsOf(topology: Topology, host: string, facts: FactReader): readonly IpvsCommand[] {
  const key = ipvsKey(topology, host);
  const owned = ownedServices(topology, host, facts);
  if (key !== undefined) return ipvsCommands(scriptTable(topology, host), tableOf(facts.get(ipvsFact, key)), owned);
  const record = recordedServices(directorRecord(facts)).services.filter((service) => owned.has(serviceKey(service)));
  return record.map((service) => ({ argv: ['-D', ...serviceName(service)], service: serviceKey(service), server: undefined, before: 'present', after: null, impact: `removes ${serviceKey(service)}` }));
}

function missingAddresses(topology: Topology, host: string, facts: FactReader): ScriptAddress[] {
  return directorAddresses(topology, host).filter(({ interface: name, address }) => !facts.get(addressFact, name).addresses.includes(address));
}

/** Addresses that our own script put there and the topology no longer has; on an interface that it no longer names, whether they are still there or not. */
function retiredAddresses(topology: Topology, host: string, facts: FactReader): ScriptAddress[] {
  const wanted = new Set(directorAddresses(topology, host).map((one) => `${one.interface} ${one.address}`));
  const known = interfacesOf(topology, host);
  return recordedAddresses(directorRecord(facts)).filter(
    ({ interface: name, address }) => !wanted.has(`${name} ${address}`) && (!known.includes(name) || facts.get(addressFact, name).addresses.includes(address)),
  );
}

function timeoutsNow(facts: FactReader): readonly number[] | null {
  return facts.get(ipvsFact, 'timeouts').timeouts;
}

function timeoutsAreRight(topology: Topology, host: string, facts: FactReader): boolean {
  return scriptTimeouts(topology, host)?.join() === timeoutsNow(facts)?.join();
}

function interfacesOf(topology: Topology, host: string): string[] {
  return [...new Set(directorAddresses(topology, host).map((one) => one.interface))];
}

/** Which question about the kernel's table; undefined: none. */
function ipvsKey(topology: Topology, host: string): 'table' | 'timeouts' | undefined {
  if (scriptTable(topology, host).services.length === 0) return undefined;
  return scriptTimeouts(topology, host) === undefined ? 'table' : 'timeouts';
}

function bootService(topology: Topology, host: string): BootService {
  return { unit: DIRECTOR_UNIT, unitText: DIRECTOR_UNIT_TEXT, script: DIRECTOR_SCRIPT, scriptText: renderDirectorScript(topology, host) };
}
