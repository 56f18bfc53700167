import { contentFact } from '../../facts/files/content.ts';
import { type FactReader, patch, request } from '../../facts/contract.ts';
import { ipvsFact, tableOf } from '../../facts/network/ipvs.ts';
import { DIRECTOR_SCRIPT, scriptTable } from '../../lvs/host/director-script.ts';
import { ipvsCommands } from '../../lvs/ipvs/commands.ts';
import { type IpvsService, type IpvsTable, serviceKey } from '../../lvs/ipvs/types.ts';
import { type Change, defineModule, type ModuleContext, type Step } from '../contract.ts';
import { ownedServices } from '../lvs/director-record.ts';
import { ipvsAfter, ipvsChanges, ipvsSteps, IPVS_STALE } from './changes.ts';
import { type IpvsArgs, ipvsSchema, namedService } from './arguments.ts';
import { directorTopology } from '../lvs/topology.ts';

/** What is wanted, and what else is ours and therefore goes when it is not wanted. */
interface Wanted {
  readonly expected: IpvsTable;
  readonly owned: ReadonlySet<string>;
}

export default defineModule<IpvsArgs>({
  name: 'ipvs',
  summary: "Change virtual services in the kernel's IPVS table, and no others: without arguments those of the topology that no daemon fills",
  schema: ipvsSchema,
  notState: [],
  examples: [
    { name: "The topology's, until the next reboot (lvs_director is for good)", args: {} },
    {
      name: 'One service',
      args: {
        service: '192.168.0.38:80',
        scheduler: 'wrr',
        mode: 'dr',
        real_servers: [{ server: '192.168.0.18', weight: 3 }, { server: '192.168.0.28' }],
      },
    },
    { name: 'A firewall mark of IPv6', args: { fwmark: 7, family: 6, scheduler: 'rr', persistence: 300, persistence_prefix: 64, mode: 'dr', real_servers: [{ server: '2001:db8::18' }] } },
    { name: 'Gone', args: { service: '192.168.0.38:53', protocol: 'udp', state: 'absent' } },
  ],
  facts: (args, context) => {
    if (isTopology(args)) directorTopology(context, 'name a service or fwmark, or ');
    else namedService(args);
    return [request(ipvsFact, 'table'), ...(isTopology(args) ? [request(contentFact, DIRECTOR_SCRIPT)] : [])] as never;
  },
  diff: (args, facts, context): Change[] => ipvsChanges(commandsOf(args, facts, context)),
  apply: (args, _changes, facts, context): Step[] => ipvsSteps(commandsOf(args, facts, context)),
  after: (args, _changes, facts, context) => {
    const { expected, owned } = wantedOf(args, facts, context);
    return [patch(ipvsFact, IPVS_STALE[0].key, (state) => ipvsAfter(state, expected, owned))];
  },
});

function commandsOf(args: IpvsArgs, facts: FactReader, context: ModuleContext): ReturnType<typeof ipvsCommands> {
  const { expected, owned } = wantedOf(args, facts, context);
  return ipvsCommands(expected, tableOf(facts.get(ipvsFact, 'table')), owned);
}

function wantedOf(args: IpvsArgs, facts: FactReader, context: ModuleContext): Wanted {
  if (isTopology(args)) {
    const topology = directorTopology(context, 'name a service or fwmark, or ');
    return { expected: scriptTable(topology, context.host), owned: ownedServices(topology, context.host, facts) };
  }
  const service = namedService(args);
  if (args.state === 'absent') return { expected: { services: [] }, owned: new Set([serviceKey(service)]) };
  return { expected: { services: [args.real_servers === undefined ? withServersOf(service, facts) : service] }, owned: new Set() };
}

/** Without `real_servers` those that are there stay. */
function withServersOf(service: IpvsService, facts: FactReader): IpvsService {
  const now = tableOf(facts.get(ipvsFact, 'table')).services.find((one) => serviceKey(one) === serviceKey(service));
  return { ...service, destinations: now?.destinations ?? [] };
}

function isTopology(args: IpvsArgs): boolean {
  return Object.keys(args).length === 0;
}
