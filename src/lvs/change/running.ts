import { printLines } from '../keepalived/conf/print.ts';
import { type ConfNode, linesOf } from '../keepalived/conf/tree.ts';
import { child, type ConfiguredService, configOf, confNodes, endpoint, type KeepalivedConfig, serversOf, serviceTitle, type VrrpInstance } from './config.ts';
import { configDifferences } from './differences.ts';

/**
 * The text of a file as a daemon would have it that runs something else: what it runs of its instances and servers in place of what the file says. It tells what a reload
 * changes, which the file then does not. A file that it runs comes back as it is. Pure.
 * @throws LvsPlayError for a file whose braces do not match
 */
export function textAsRunning(text: string, running: KeepalivedConfig): string {
  const nodes = confNodes(text, 'keepalived.conf');
  if (configDifferences(running, configOf(nodes)).length === 0) return text;
  const instances = new Map(running.instances.map((one) => [one.name, one]));
  const services = new Map(running.services.map((one) => [one.name, one]));
  const lines = nodes.flatMap((node): ConfNode[] => {
    if (node.words[0] === 'vrrp_instance') return [instances.get(node.words[1] ?? '')].flatMap((one) => (one === undefined ? [] : [instanceAs(node, one)]));
    if (node.words[0] === 'virtual_server') return [services.get(serviceTitle(node))].flatMap((one) => (one === undefined ? [] : [serviceAs(node, one)]));
    return [node];
  });
  return printLines(linesOf(lines));
}

/** Services that two files have otherwise, by name; those that only one has too. Pure. */
export function changedServices(before: string, after: string): ReadonlySet<string> {
  const [was, is] = [before, after].map((text) => new Map(confNodes(text, 'keepalived.conf').filter(({ words }) => words[0] === 'virtual_server').map((node) => [serviceTitle(node), printLines(linesOf([node]))])));
  return new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])].filter((name) => was?.get(name) !== is?.get(name)));
}

/** Services that a daemon runs otherwise than a configuration says, by name. Pure. */
export function servicesOtherwise(running: KeepalivedConfig, wanted: KeepalivedConfig): ReadonlySet<string> {
  const of = ({ services }: KeepalivedConfig, name: string) => ({ instances: [], services: services.filter((one) => one.name === name) });
  return new Set([...running.services, ...wanted.services].map(({ name }) => name).filter((name) => configDifferences(of(running, name), of(wanted, name)).length > 0));
}

function instanceAs(node: ConfNode, running: VrrpInstance): ConfNode {
  const [file] = configOf([node]).instances;
  if (file === undefined) return node;
  const replaced: ConfNode[] = [
    ...(file.virtualRouterId === running.virtualRouterId ? [] : [statement(node, 'virtual_router_id', String(running.virtualRouterId))]),
    ...(file.interface === running.interface ? [] : [statement(node, 'interface', running.interface)]),
    ...(file.priority === running.priority ? [] : [statement(node, 'priority', String(running.priority))]),
    ...(file.advertInterval === running.advertInterval ? [] : [statement(node, 'advert_int', String(running.advertInterval / 1000))]),
    ...(file.password === running.password ? [] : [block(node, ['authentication'], running.password === undefined ? [] : [statement(node, 'auth_type', 'PASS'), statement(node, 'auth_pass', running.password)])]),
    ...(file.vips.join() === running.vips.join() ? [] : [block(node, ['virtual_ipaddress'], running.vips.map((vip) => statement(node, vip)))]),
    ...(file.excluded.join() === running.excluded.join() ? [] : [block(node, ['virtual_ipaddress_excluded'], running.excluded.map((vip) => statement(node, vip)))]),
  ];
  const names = new Set(replaced.map(({ words }) => words[0]));
  return { ...node, body: [...(node.body ?? []).filter(({ words }) => !names.has(words[0])), ...replaced] };
}

function serviceAs(node: ConfNode, running: ConfiguredService): ConfNode {
  const inFile = new Set(serversOf(node).map(nameOf));
  const body = (node.body ?? []).flatMap((one): ConfNode[] => {
    if (one.words[0] !== 'real_server') return [one];
    const weight = running.servers.get(nameOf(one));
    if (weight === undefined) return [];
    if (Number(child(one, 'weight')?.words[1] ?? 1) === weight) return [one];
    return [{ ...one, body: [statement(one, 'weight', String(weight)), ...(one.body ?? []).filter(({ words }) => words[0] !== 'weight')] }];
  });
  const more = [...running.servers].filter(([server]) => !inFile.has(server)).map(([server, weight]) => {
    const at = server.lastIndexOf(':');
    return block(node, ['real_server', server.slice(0, at).replace(/^\[(.*)\]$/, '$1'), server.slice(at + 1)], [statement(node, 'weight', String(weight))]);
  });
  return { ...node, body: [...body, ...more] };
}

function nameOf({ words }: ConfNode): string {
  return endpoint(words[1] ?? '', Number(words[2] ?? 0));
}

function statement({ position }: ConfNode, ...words: string[]): ConfNode {
  return { position, words, text: words.join(' '), body: undefined, comments: [] };
}

function block({ position }: ConfNode, words: string[], body: readonly ConfNode[]): ConfNode {
  return { position, words, text: words.join(' '), body, comments: [] };
}
