import { LvsPlayError } from '../../core/errors.ts';
import { contentFact } from '../../facts/files/content.ts';
import { patch, request } from '../../facts/contract.ts';
import { type DefaultRoute, defaultRouteFact } from '../../facts/network/default-route.ts';
import { GATEWAY_SCRIPT, GATEWAY_UNIT, GATEWAY_UNIT_TEXT, gatewayOf, renderGatewayScript } from '../../lvs/host/gateway.ts';
import { recorded } from '../../lvs/host/boot-script.ts';
import { type BootService, bootChanges, bootPatches, bootRemoval, bootRequests, bootSteps } from './boot-service.ts';
import { type Args, type Change, defineModule, type ModuleContext, type Step } from '../contract.ts';
import { topologyFor } from './topology.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: { force: { type: 'boolean', description: 'Also when the controller itself is reached by the default route that goes; default false.' } },
} as const;

type GatewayArgs = Args<typeof schema>;

const STALE = [{ fact: 'default_route', key: '*' }];

export default defineModule<GatewayArgs>({
  name: 'lvs_gateway',
  summary: "Lead a NAT real server's default route to its director, also after a reboot; other hosts keep theirs",
  schema,
  notState: ['force'],
  examples: [{ name: 'From the topology', args: {} }],
  facts: (_args, context) => {
    const family = familyOf(context);
    return [...bootRequests(bootService(context)), ...(family === undefined ? [] : [request(defaultRouteFact, family)])] as never;
  },
  diff: ({ force = false }, facts, context): Change[] => {
    const service = bootService(context);
    const gateway = gatewayOf(topologyFor('lvs_gateway', context), context.host);
    const family = familyOf(context);
    if (gateway === undefined || family === undefined) return bootChanges(service, facts);
    const now = facts.get(defaultRouteFact, family);
    if (now.gateway !== gateway && !force) refuseToCut(now, gateway, context.host);
    return [...bootChanges(service, facts), ...(now.gateway === gateway ? [] : [{ path: 'default route', before: now.gateway, after: gateway, impact: 'replies to everybody outside of its networks go through the director' }])];
  },
  apply: (_args, changes, facts, context): Step[] => {
    if (changes.length === 0) return [];
    const service = bootService(context);
    if (service.scriptText === undefined) {
      const ours = recorded(facts.get(contentFact, GATEWAY_SCRIPT).text ?? '', 'parts').length > 0;
      const stop: Step = { kind: 'exec', title: 'bring the old default route back', argv: [GATEWAY_SCRIPT, 'stop'], stale: STALE };
      return [...(ours ? [stop] : []), ...bootRemoval(service, changes, STALE)];
    }
    const { write, start } = bootSteps(service, changes, STALE);
    const moves = changes.some(({ path }) => path === 'default route');
    return [...write, ...(moves ? [{ kind: 'exec', title: 'set the default route', argv: [GATEWAY_SCRIPT, 'start'], stale: STALE } as const] : []), ...start];
  },
  after: (_args, _changes, facts, context) => {
    const gateway = gatewayOf(topologyFor('lvs_gateway', context), context.host);
    const family = familyOf(context);
    return [...bootPatches(bootService(context)), ...(gateway === undefined || family === undefined ? [] : [patch(defaultRouteFact, family, (state) => ({ ...state, gateway }))])];
  },
});

/** A host that answers the controller by its default route would answer through the director instead, and perhaps not at all. */
function refuseToCut({ gateway: old, peer, peerVia }: DefaultRoute, gateway: string, host: string): void {
  if (peer === null || peerVia === null || peerVia !== old) return;
  throw new LvsPlayError({
    code: 'controller-behind-default-route',
    kind: 'host',
    host,
    message: `the default route of ${host} leads to this controller (${peer}, via ${peerVia}): led to ${gateway} instead, the connection could be lost`,
    hint: `give ${host} a route of its own to the controller's network first (ip route add NETWORK via ${peerVia}, kept by its network configuration), or run lvs_gateway with force: true when the director forwards these packets`,
  });
}

function familyOf(context: ModuleContext): '4' | '6' | undefined {
  const gateway = gatewayOf(topologyFor('lvs_gateway', context), context.host);
  if (gateway === undefined) return undefined;
  return gateway.includes(':') ? '6' : '4';
}

function bootService(context: ModuleContext): BootService {
  return { unit: GATEWAY_UNIT, unitText: GATEWAY_UNIT_TEXT, script: GATEWAY_SCRIPT, scriptText: renderGatewayScript(topologyFor('lvs_gateway', context), context.host) };
}
