import type { JsonObject } from '../../core/json.ts';
import { contentFact } from '../../facts/files/content.ts';
import { type FactReader, patch, request } from '../../facts/contract.ts';
import { firewallFact } from '../../facts/network/firewall.ts';
import { FIREWALL_SCRIPT, FIREWALL_UNIT, FIREWALL_UNIT_TEXT, firewallRecord, renderFirewallScript } from '../../lvs/host/firewall/firewall.ts';
import { type BootService, bootChanges, bootPatches, bootRemoval, bootRequests, bootSteps } from './boot-service.ts';
import { type Change, defineModule, type ModuleContext, type Step } from '../contract.ts';
import { directorTopology } from './topology.ts';

const schema = { type: 'object', additionalProperties: false, properties: {} } as const;

const STALE = [{ fact: 'firewall', key: '*' }];

export default defineModule<JsonObject>({
  name: 'lvs_firewall',
  summary: "Mark the packets of fwmark services and masquerade for NAT networks on a director, also after a reboot; others' rules are left alone",
  schema,
  notState: [],
  examples: [{ name: 'From the topology', args: {} }],
  facts: (_args, context) => {
    const service = bootService(context);
    // A director that needs no rule is not asked for its own.
    return [...bootRequests(service), ...(service.scriptText === undefined ? [] : [request(firewallFact, 'rules')])] as never;
  },
  diff: (_args, facts, context): Change[] => {
    const service = bootService(context);
    const boot = bootChanges(service, facts);
    if (service.scriptText === undefined) return boot;
    return [...boot, ...(isLoaded(facts, context) ? [] : [{ path: 'firewall rules', before: facts.get(firewallFact, 'rules').loaded === null ? 'missing' : 'others', after: 'present' }])];
  },
  apply: (_args, changes, facts, context): Step[] => {
    if (changes.length === 0) return [];
    const service = bootService(context);
    const run = (title: string, verb: string): Step => ({ kind: 'exec', title, argv: [FIREWALL_SCRIPT, verb], stale: STALE });
    if (service.scriptText === undefined) {
      const ours = facts.get(contentFact, FIREWALL_SCRIPT).text?.includes('LVS_PLAY_NAT') === true;
      return [...(ours ? [run('take the firewall rules away', 'stop')] : []), ...bootRemoval(service, changes, STALE)];
    }
    const { write, start } = bootSteps(service, changes, STALE);
    // Before it is started, so that a reload of it brings the new rules without a moment without any.
    const load = isLoaded(facts, context) ? [] : [run('load the firewall rules', 'reload')];
    return [...write, ...load, ...start];
  },
  after: (_args, _changes, facts, context) => {
    const service = bootService(context);
    if (service.scriptText === undefined) return bootPatches(service);
    return [...bootPatches(service), patch(firewallFact, 'rules', (state) => ({ ...state, loaded: firewallRecord(directorTopology(context), context.host), intact: true }))];
  },
});

function isLoaded(facts: FactReader, context: ModuleContext): boolean {
  const { loaded, intact } = facts.get(firewallFact, 'rules');
  return intact && loaded === firewallRecord(directorTopology(context), context.host);
}

function bootService(context: ModuleContext): BootService {
  return { unit: FIREWALL_UNIT, unitText: FIREWALL_UNIT_TEXT, script: FIREWALL_SCRIPT, scriptText: renderFirewallScript(directorTopology(context), context.host) };
}
