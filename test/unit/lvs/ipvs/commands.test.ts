import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipvsCommands, tableAfter } from '../../../../src/lvs/ipvs/commands.ts';
import { compareTables, parseIpvsadmSave } from '../../../../src/lvs/ipvs/table.ts';
import { type IpvsTable, serviceKey } from '../../../../src/lvs/ipvs/types.ts';
import { formatEndpoint } from '../../../../src/lvs/model/ip.ts';
import { tables } from './arbitrary.ts';

const SAVED = '-A -t 192.168.0.38:80 -s wrr\n-a -t 192.168.0.38:80 -r 192.168.0.18:80 -g -w 1\n-a -t 192.168.0.38:80 -r 192.168.0.28:80 -g -w 3\n';
const FOREIGN = '-A -t 10.9.9.9:99 -s rr\n-a -t 10.9.9.9:99 -r 10.0.0.1:99 -m -w 1\n';

const table = parseIpvsadmSave;
const lines = (expected: string, actual: string, owned: string[] = []) => ipvsCommands(table(expected), table(actual), new Set(owned)).map(({ argv }) => argv.join(' '));

describe('ipvsCommands', () => {
  it('needs none for what is there, whatever others have', () => {
    expect(lines(SAVED, FOREIGN + SAVED)).toEqual([]);
  });

  it('adds a service before its servers', () => {
    expect(lines(SAVED, FOREIGN)).toEqual(SAVED.trim().split('\n'));
  });

  it('edits what is there, weights that grow before weights that shrink, and adds before it removes', () => {
    const actual = SAVED.replace('wrr', 'rr').replace('-r 192.168.0.18:80 -g -w 1', '-r 192.168.0.18:80 -g -w 2').replace('-w 3', '-w 0') + '-a -t 192.168.0.38:80 -r 192.168.0.99:80 -g -w 7\n';
    const expected = `${SAVED}-a -t 192.168.0.38:80 -r 192.168.0.48:80 -g -w 1\n`;
    expect(lines(expected, actual)).toEqual([
      '-E -t 192.168.0.38:80 -s wrr',
      '-a -t 192.168.0.38:80 -r 192.168.0.48:80 -g -w 1',
      '-e -t 192.168.0.38:80 -r 192.168.0.28:80 -g -w 3',
      '-e -t 192.168.0.38:80 -r 192.168.0.18:80 -g -w 1',
      '-d -t 192.168.0.38:80 -r 192.168.0.99:80',
    ]);
  });

  it('removes a service that was ours, and no other', () => {
    expect(lines('', FOREIGN + SAVED, ['TCP 192.168.0.38:80', 'TCP 10.1.1.1:80'])).toEqual(['-D -t 192.168.0.38:80']);
    expect(lines('', FOREIGN + SAVED)).toEqual([]);
  });

  it('says what it costs', () => {
    const busy: IpvsTable = { services: table(SAVED).services.map((service) => ({ ...service, destinations: service.destinations.map((server) => ({ ...server, activeConnections: 12 })) })) };
    const one = table(SAVED.split('\n').slice(0, 2).join('\n'));
    const [removed] = ipvsCommands(one, busy, new Set());
    expect(removed).toMatchObject({ before: '-g -w 3', after: null, impact: 'removes 192.168.0.28:80: 12 active connections' });
    const [gone] = ipvsCommands({ services: [] }, busy, new Set(['TCP 192.168.0.38:80']));
    expect(gone?.impact).toBe('removes TCP 192.168.0.38:80 with its 2 real servers: 24 active connections');
    const [drained] = ipvsCommands(table(SAVED.replace('-w 3', '-w 0')), busy, new Set());
    expect(drained?.impact).toBe('drains 192.168.0.28:80: 12 active connections');
  });

  it('takes what a source does not tell for right', () => {
    const [service] = table(SAVED.replace('-s wrr', '-s wrr -p 300 -M 255.255.255.0 -b sh-port')).services;
    if (service === undefined) throw new Error('no service');
    const vague: IpvsTable = { services: [{ ...service, flags: undefined, persistence: 'unknown', persistencePrefix: undefined, engine: undefined }] };
    expect(ipvsCommands({ services: [service] }, vague, new Set())).toEqual([]);
  });
});

/** An IPVS that does as ipvsadm and the kernel do: what is there cannot be added, what is not there can be neither edited nor removed. */
function simulate(start: IpvsTable, argvs: readonly (readonly string[])[]): IpvsTable {
  const services = new Map(start.services.map((service) => [serviceKey(service), { service, servers: new Map(service.destinations.map((server) => [formatEndpoint(server.address, server.port), server])) }]));
  for (const [verb = '', ...words] of argvs) {
    const line = words.join(' ');
    const name = /^(?:-f \d+(?: -6)?|\S+ \S+)/.exec(line)?.[0] ?? '';
    const [parsed] = table(`-A ${verb === '-A' || verb === '-E' ? line : `${name} -s x`}`).services;
    if (parsed === undefined) throw new Error(line);
    const key = serviceKey(parsed);
    const entry = services.get(key);
    if ((verb === '-A') === (entry !== undefined)) throw new Error(`${verb} ${line}: ${entry === undefined ? 'no such service' : 'service already exists'}`);
    if (verb === '-A') services.set(key, { service: parsed, servers: new Map() });
    if (entry === undefined) continue;
    if (verb === '-E') services.set(key, { ...entry, service: parsed });
    if (verb === '-D') services.delete(key);
    if (!['-a', '-e', '-d'].includes(verb)) continue;
    const endpoint = words[words.indexOf('-r') + 1] ?? '';
    if ((verb === '-a') === entry.servers.has(endpoint)) throw new Error(`${verb} ${line}: destination`);
    if (verb === '-d') {
      entry.servers.delete(endpoint);
      continue;
    }
    const [read] = table(`-A ${name} -s x\n-a ${line}`).services;
    const threshold = (option: string) => (words.includes(option) ? Number(words[words.indexOf(option) + 1]) : 0);
    const server = read?.destinations[0];
    if (server === undefined) throw new Error(line);
    entry.servers.set(endpoint, { ...server, upperThreshold: threshold('-x'), lowerThreshold: threshold('-y') });
  }
  return { services: [...services.values()].map(({ service, servers }) => ({ ...service, destinations: [...servers.values()] })) };
}

const sorted = ({ services }: IpvsTable) =>
  services
    .map((one) => ({ ...one, destinations: one.destinations.map((two) => ({ ...two, activeConnections: undefined, inactiveConnections: undefined })).sort((a, b) => (formatEndpoint(a.address, a.port) < formatEndpoint(b.address, b.port) ? -1 : 1)) }))
    .sort((a, b) => (serviceKey(a) < serviceKey(b) ? -1 : 1));

it('brings any table to any other, others\' services unchanged, with a server in place at all times', () => {
  fc.assert(
    fc.property(tables, tables, fc.array(fc.nat({ max: 5 })), (expected, actual, indices) => {
      const owned = new Set(indices.flatMap((index) => (actual.services[index] === undefined ? [] : [serviceKey(actual.services[index])])));
      const commands = ipvsCommands(expected, actual, owned).map(({ argv }) => argv);
      const after = simulate(actual, commands);
      const wanted = new Set(expected.services.map(serviceKey));
      const foreign = ({ services }: IpvsTable) => ({ services: services.filter((one) => !wanted.has(serviceKey(one)) && !owned.has(serviceKey(one))) });
      expect(sorted(foreign(after))).toEqual(sorted(foreign(actual)));
      expect(sorted(after)).toEqual(sorted(tableAfter(expected, actual, owned)));
      expect(compareTables(expected, { services: after.services.filter((one) => wanted.has(serviceKey(one))) })).toEqual([]);
      expect(ipvsCommands(expected, after, owned)).toEqual([]);
      // A weight is never changed by taking a server out; and what serves before and after serves in between.
      for (const one of expected.services) {
        const before = actual.services.find((other) => serviceKey(other) === serviceKey(one));
        if (before?.destinations.some((two) => two.weight > 0) !== true || !one.destinations.some((two) => two.weight > 0)) continue;
        commands.forEach((_argv, count) => {
          const now = simulate(actual, commands.slice(0, count)).services.find((other) => serviceKey(other) === serviceKey(one));
          expect(now?.destinations.some((two) => two.weight > 0)).toBe(true);
        });
      }
      const touched = commands.map((argv) => argv.slice(1, argv.indexOf('-r') + 2).join(' '));
      for (const [index, argv] of commands.entries()) if (argv[0] === '-d') expect(touched.indexOf(touched[index] ?? '')).toBe(index);
    }),
    { numRuns: 500 },
  );
});
