import type { HostAnswer } from '../plan/sessions.ts';
import type { ContentState } from '../facts/files/content.ts';
import { drainFlagsFact, type DrainFlags, flagValue, raisedFlags } from '../facts/records/drain-flags.ts';
import { type SavedState, textsOf } from '../facts/system/saved-state.ts';
import { flaggedIn, flagNamed } from '../lvs/drain/flags.ts';
import { recordedServices, DIRECTOR_SCRIPT } from '../lvs/host/director-script.ts';
import { expand } from '../lvs/keepalived/conf/expand.ts';
import { parseLines } from '../lvs/keepalived/conf/lines.ts';
import { type ConfNode, treeOf } from '../lvs/keepalived/conf/tree.ts';
import { KEEPALIVED_CONF } from '../lvs/keepalived/place.ts';
import { type IpvsService, serviceKey } from '../lvs/ipvs/types.ts';
import { formatEndpoint, parseIp } from '../lvs/model/ip.ts';

/** What is configured on a director before the run: real servers' weights by endpoint, by key of the virtual service. */
export interface Configured {
  readonly keepalived: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly script: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Of a rollback: what keepalived's file of before says. */
  readonly comesBack?: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** From the files that the director was asked for. A table's other services are somebody else's. */
export function configuredOn(host: string, answers: readonly HostAnswer[]): Configured {
  const text = (path: string): string => {
    const answer = answers.find((one) => one.host === host && one.fact.name === 'content' && one.key === path);
    return (answer?.value as ContentState | undefined)?.text ?? '';
  };
  const back = restoredConfig(host, answers);
  const script = recordedServices(text(DIRECTOR_SCRIPT)).services;
  return {
    keepalived: configuredServices(back?.present ?? text(KEEPALIVED_CONF), host, raisedOn(host, answers)),
    script: new Map(script.map((service) => [serviceKey(service), new Map(service.destinations.map((server) => [formatEndpoint(server.address, server.port), server.weight]))])),
    ...(back === undefined ? {} : { comesBack: configuredServices(back.saved, host, back.raised) }),
  };
}

/** keepalived.conf as it is and as a rollback would make it, with the flags that are raised then. Undefined: it would stay. */
function restoredConfig(host: string, answers: readonly HostAnswer[]): { readonly present: string; readonly saved: string; readonly raised: ReadonlySet<string> } | undefined {
  const things = answers.filter((answer) => answer.host === host && answer.fact.name === 'saved_state').flatMap(({ value }) => (value as SavedState).things);
  const differing = things.filter(({ kind, before, now }) => kind === 'file' && before !== now);
  const file = differing.find(({ key }) => key === KEEPALIVED_CONF);
  if (file === undefined) return undefined;
  const raised = new Set(raisedOn(host, answers));
  for (const flag of differing) {
    const server = flaggedIn(flag.key);
    if (server === undefined) continue;
    if (flagValue(textsOf(flag).saved.trim()) === '0') raised.delete(server);
    else raised.add(server);
  }
  return { ...textsOf(file), raised };
}

/** Real servers that a flag takes out now. */
function raisedOn(host: string, answers: readonly HostAnswer[]): ReadonlySet<string> {
  const answer = answers.find((one) => one.host === host && one.fact.name === drainFlagsFact.name);
  return answer === undefined ? new Set() : raisedFlags(answer.value as DrainFlags);
}

/** The virtual services of a keepalived.conf; a file that cannot be read has none. @param raised real servers that a flag takes out. Pure. */
export function configuredServices(text: string, host: string, raised: ReadonlySet<string> = new Set()): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const found = new Map<string, ReadonlyMap<string, number>>();
  try {
    const nodes = treeOf(expand(parseLines(text, KEEPALIVED_CONF), { configId: host.split('.')[0] ?? host, include: () => [] }));
    const groups = new Map(nodes.filter(({ words }) => words[0] === 'virtual_server_group').map(({ words, body }) => [words[1], body ?? []]));
    for (const node of nodes.filter(({ words }) => words[0] === 'virtual_server')) {
      const [, first = '', second = ''] = node.words;
      const heads = first === 'group' ? (groups.get(second) ?? []).map(({ words }) => words) : [[first, second]];
      for (const [address = '', port = ''] of heads) {
        const key = keyOf(address, port, node);
        if (key !== undefined) found.set(key, serversOf(node, raised));
      }
    }
  } catch {
    // Braces that do not fit: keepalived itself would not know what is meant.
  }
  return found;
}

function keyOf(address: string, port: string, { body = [] }: ConfNode): string | undefined {
  const option = (name: string) => body.find(({ words }) => words[0] === name)?.words[1];
  if (address === 'fwmark') return serviceKey({ protocol: 'fwm', address: '', port: Number(port), family: option('ip_family') === 'inet6' ? 6 : 4 });
  const ip = parseIp(address);
  const protocol = (option('protocol') ?? 'TCP').toLowerCase();
  return ip === undefined ? undefined : serviceKey({ protocol: protocol as IpvsService['protocol'], address: ip.address, port: Number(port === '' ? '0' : port) });
}

function serversOf({ body = [] }: ConfNode, raised: ReadonlySet<string>): ReadonlyMap<string, number> {
  const servers = body.filter(({ words }) => words[0] === 'real_server');
  return new Map(
    servers.map(({ words, body: options = [] }) => {
      const [, address = '', port = '0'] = words;
      const weight = options.find((option) => option.words[0] === 'weight')?.words[1];
      const flags = options.flatMap((option) => (option.body ?? []).flatMap((line) => (line.words[0] === 'track_file' ? (flagNamed(line.words[1] ?? '') ?? []) : [])));
      return [formatEndpoint(parseIp(address)?.address ?? address, Number(port)), flags.some((flag) => raised.has(flag)) ? 0 : Number(weight ?? '1')];
    }),
  );
}
