import type { ConfiguredService, KeepalivedConfig, VrrpInstance } from './config.ts';

/** One thing in which two configurations differ. Never holds a password: of those it only tells that they differ. */
export interface ConfigDifference {
  /** `edge priority`, `TCP 192.168.0.38:80 192.168.0.18:80 weight`. */
  readonly about: string;
  /** Null: it is not there; and likewise for what should be. */
  readonly is: string | null;
  readonly wanted: string | null;
  /** Its values are never shown. */
  readonly secret: boolean;
  /** In words: `edge: priority 100, not 90`. */
  readonly text: string;
}

/**
 * In what two configurations differ. Empty: they are the same in all that both tell. Pure.
 * @param is what is found
 * @param wanted what should be
 */
export function differencesOf(is: KeepalivedConfig, wanted: KeepalivedConfig): ConfigDifference[] {
  return [...named(is.instances, wanted.instances, 'instance', instanceDifferences), ...named(is.services, wanted.services, 'virtual service', serviceDifferences)];
}

/** `differencesOf` in words, a sentence each. Pure. */
export function configDifferences(is: KeepalivedConfig, wanted: KeepalivedConfig): string[] {
  return differencesOf(is, wanted).map(({ text }) => text);
}

function named<T extends { readonly name: string }>(is: readonly T[], wanted: readonly T[], kind: string, differences: (is: T, wanted: T) => ConfigDifference[]): ConfigDifference[] {
  const found = new Map(is.map((one) => [one.name, one]));
  const lost = wanted.flatMap((one) => {
    const there = found.get(one.name);
    if (there === undefined) return [thing(`${kind} ${one.name}`, false)];
    return differences(there, one).map((difference) => ({ ...difference, about: `${one.name} ${difference.about}`, text: `${one.name}: ${difference.text}` }));
  });
  const names = new Set(wanted.map((one) => one.name));
  return [...lost, ...is.filter(({ name }) => !names.has(name)).map(({ name }) => thing(`${kind} ${name}`, true))];
}

function instanceDifferences(is: VrrpInstance, wanted: VrrpInstance): ConfigDifference[] {
  return [
    ...differs('virtual_router_id', is.virtualRouterId, wanted.virtualRouterId),
    ...differs('interface', is.interface, wanted.interface),
    ...differs('priority', is.priority, wanted.priority),
    ...differs('advert_int', is.advertInterval / 1000, wanted.advertInterval / 1000),
    ...(is.password === wanted.password ? [] : [{ about: 'password', is: 'another', wanted: 'the configured one', secret: true, text: 'another password' }]),
    ...differs('virtual IPs', is.vips.join(' '), wanted.vips.join(' ')),
    ...differs('excluded virtual IPs', is.excluded.join(' '), wanted.excluded.join(' ')),
  ];
}

function serviceDifferences(is: ConfiguredService, wanted: ConfiguredService): ConfigDifference[] {
  const servers = [...new Set([...wanted.servers.keys(), ...is.servers.keys()])].flatMap((server): ConfigDifference[] => {
    const [has, should] = [is.servers.get(server), wanted.servers.get(server)];
    if (has === should) return [];
    if (has === undefined || should === undefined) return [thing(server, should === undefined)];
    return [{ about: `${server} weight`, is: String(has), wanted: String(should), secret: false, text: `${server} has weight ${String(has)}, not ${String(should)}` }];
  });
  return [...differs('scheduler', is.scheduler, wanted.scheduler), ...differs('lb_kind', is.forward, wanted.forward), ...differs('persistence', is.persistence, wanted.persistence), ...servers];
}

function thing(about: string, there: boolean): ConfigDifference {
  return { about, is: there ? 'present' : null, wanted: there ? null : 'present', secret: false, text: `${about} is ${there ? 'still there' : 'missing'}` };
}

function differs(name: string, is: string | number, wanted: string | number): ConfigDifference[] {
  if (is === wanted) return [];
  const [has, should] = [is, wanted].map((value) => (value === '' ? 'none' : String(value))) as [string, string];
  return [{ about: name, is: has, wanted: should, secret: false, text: `${name} ${has}, not ${should}` }];
}

/** Whether two directors with these configurations would hear each other's adverts for what they are: for the instances that both have. Pure. */
export function advertsMatch(one: KeepalivedConfig, other: KeepalivedConfig): boolean {
  return one.instances.every((instance) => {
    const same = other.instances.find(({ name }) => name === instance.name);
    if (same === undefined) return true;
    return same.virtualRouterId === instance.virtualRouterId && same.advertInterval === instance.advertInterval && same.password === instance.password && same.vips.join() === instance.vips.join();
  });
}
