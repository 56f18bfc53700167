import type { ConfiguredService, KeepalivedConfig, VrrpInstance } from './config.ts';

/**
 * In what two configurations differ, a sentence each: `edge: priority 100, not 90`. Empty: they are the same in all that both tell. Never a password. Pure.
 * @param is what is found
 * @param wanted what should be
 */
export function configDifferences(is: KeepalivedConfig, wanted: KeepalivedConfig): string[] {
  return [...named(is.instances, wanted.instances, 'instance', instanceDifferences), ...named(is.services, wanted.services, 'virtual service', serviceDifferences)];
}

function named<T extends { readonly name: string }>(is: readonly T[], wanted: readonly T[], kind: string, differences: (is: T, wanted: T) => string[]): string[] {
  const found = new Map(is.map((one) => [one.name, one]));
  const lost = wanted.flatMap((one) => {
    const there = found.get(one.name);
    return there === undefined ? [`${kind} ${one.name} is missing`] : differences(there, one).map((text) => `${one.name}: ${text}`);
  });
  const names = new Set(wanted.map((one) => one.name));
  return [...lost, ...is.filter(({ name }) => !names.has(name)).map(({ name }) => `${kind} ${name} is still there`)];
}

function instanceDifferences(is: VrrpInstance, wanted: VrrpInstance): string[] {
  return [
    ...differs('virtual_router_id', is.virtualRouterId, wanted.virtualRouterId),
    ...differs('interface', is.interface, wanted.interface),
    ...differs('priority', is.priority, wanted.priority),
    ...differs('advert_int', is.advertInterval / 1000, wanted.advertInterval / 1000),
    ...(is.password === wanted.password ? [] : ['another password']),
    ...differs('virtual IPs', is.vips.join(' '), wanted.vips.join(' ')),
    ...differs('excluded virtual IPs', is.excluded.join(' '), wanted.excluded.join(' ')),
  ];
}

function serviceDifferences(is: ConfiguredService, wanted: ConfiguredService): string[] {
  const servers = [...new Set([...wanted.servers.keys(), ...is.servers.keys()])].flatMap((server) => {
    const [has, should] = [is.servers.get(server), wanted.servers.get(server)];
    if (has === should) return [];
    if (has === undefined) return [`${server} is missing`];
    return should === undefined ? [`${server} is still there`] : [`${server} has weight ${String(has)}, not ${String(should)}`];
  });
  return [...differs('scheduler', is.scheduler, wanted.scheduler), ...differs('lb_kind', is.forward, wanted.forward), ...differs('persistence', is.persistence, wanted.persistence), ...servers];
}

function differs(name: string, is: string | number, wanted: string | number): string[] {
  return is === wanted ? [] : [`${name} ${is === '' ? 'none' : String(is)}, not ${wanted === '' ? 'none' : String(wanted)}`];
}

/** Whether two directors with these configurations would hear each other's adverts for what they are: for the instances that both have. Pure. */
export function advertsMatch(one: KeepalivedConfig, other: KeepalivedConfig): boolean {
  return one.instances.every((instance) => {
    const same = other.instances.find(({ name }) => name === instance.name);
    if (same === undefined) return true;
    return same.virtualRouterId === instance.virtualRouterId && same.advertInterval === instance.advertInterval && same.password === instance.password && same.vips.join() === instance.vips.join();
  });
}
