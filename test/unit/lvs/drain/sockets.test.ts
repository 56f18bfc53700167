import { execFileSync } from 'node:child_process';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listensAt, localPlaces, openAt, parseSockets, SAMPLE, socketsScript } from '../../../../src/lvs/drain/sockets.ts';
import { changed, EXAMPLE, topologyOf } from '../support.ts';

/** This machine's own kernel, asked as a real server is. */
describe('sockets of a real kernel', () => {
  const open: net.Socket[] = [];
  const servers: net.Server[] = [];

  const listen = (host: string): Promise<number> =>
    new Promise((resolve) => {
      const server = net.createServer();
      server.on('connection', (socket) => open.push(socket));
      servers.push(server);
      server.listen(0, host, () => { resolve((server.address() as net.AddressInfo).port); });
    });
  const connect = (host: string, port: number, localAddress: string): Promise<net.Socket> =>
    new Promise((resolve, reject) => {
      const socket = net.connect({ host, port, localAddress });
      open.push(socket);
      socket.once('connect', () => { resolve(socket); });
      socket.once('error', reject);
    });
  const ask = (shell: string, ports: readonly number[], besides: readonly string[] = []) => {
    const [file = 'sh', ...args] = shell.split(' ');
    return parseSockets(execFileSync(file, [...args, '-c', socketsScript(ports, besides)]).toString());
  };

  let four = 0;
  let all = 0;
  let six = 0;
  beforeAll(async () => {
    four = await listen('127.0.0.1');
    all = await listen('::');
    six = await listen('::1');
    for (let i = 0; i < 3; i++) await connect('127.0.0.1', four, '127.0.0.1');
    await connect('127.0.0.1', four, '127.0.0.9');
    // IPv4 on a socket of IPv6.
    await connect('127.0.0.2', all, '127.0.0.1');
    await connect('::1', six, '::1');
  });
  afterAll(async () => {
    for (const socket of open) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  });

  it.each(['dash', 'busybox sh', 'bash --posix'])('are counted by %s', (shell) => {
    const found = ask(shell, [four, all, six]);
    expect(openAt(found, [{ address: '127.0.0.1', port: four }]).open).toBe(4);
    expect(openAt(found, [{ address: '127.0.0.1', port: four }]).peers.filter((peer) => peer.startsWith('127.0.0.9:'))).toHaveLength(1);
    expect(openAt(found, [{ address: '127.0.0.2', port: all }]).open).toBe(1);
    expect(openAt(found, [{ address: '::1', port: six }])).toMatchObject({ open: 1, peers: [expect.stringMatching(/^\[::1\]:\d+$/)] });
    expect(openAt(found, [{ address: '127.0.0.3', port: four }]).open).toBe(0);
    expect(listensAt(found, { address: '127.0.0.1', port: four })).toBe(true);
    // Bound to one address only: another one is not served.
    expect(listensAt(found, { address: '127.0.0.2', port: four })).toBe(false);
    expect(listensAt(found, { address: '127.0.0.2', port: all })).toBe(true);
    expect(listensAt(found, { address: '::1', port: all })).toBe(true);
    expect(found.some(({ port }) => ![four, all, six].includes(port))).toBe(false);
  });

  it('leaves out health checks, of either family', () => {
    expect(openAt(ask('dash', [four], ['127.0.0.9']), [{ address: '127.0.0.1', port: four }]).open).toBe(3);
    expect(openAt(ask('dash', [all], ['127.0.0.1']), [{ address: '127.0.0.2', port: all }]).open).toBe(0);
    expect(openAt(ask('dash', [six], ['::1']), [{ address: '::1', port: six }]).open).toBe(0);
  });

  it('knows all ports of a service that has all', () => {
    const found = ask('dash', []);
    expect(openAt(found, [{ address: '127.0.0.1', port: 0 }]).open).toBeGreaterThanOrEqual(4);
    expect(found.find(({ port }) => port === four)).toMatchObject({ address: '127.0.0.1', listening: true, open: 4 });
  });

  it('names only the first peers, and counts all', async () => {
    const port = await listen('127.0.0.1');
    for (let i = 0; i < SAMPLE + 5; i++) await connect('127.0.0.1', port, '127.0.0.1');
    const { open: count, peers } = openAt(ask('dash', [port]), [{ address: '127.0.0.1', port }]);
    expect([count, peers.length]).toEqual([SAMPLE + 5, SAMPLE]);
  });

  it('does not count what is over', async () => {
    const port = await listen('127.0.0.1');
    const client = await connect('127.0.0.1', port, '127.0.0.1');
    const place = { address: '127.0.0.1', port };
    expect(openAt(ask('dash', [port]), [place]).open).toBe(1);
    // The server ends first and so has TIME_WAIT.
    const server = await new Promise<net.Socket>((resolve) => { setTimeout(() => { resolve(open.find((socket) => socket.localPort === port && socket.remotePort === client.localPort) as net.Socket); }, 50); });
    client.on('end', () => client.end());
    client.resume();
    await new Promise((resolve) => { client.once('close', resolve); server.resume(); server.end(); });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(openAt(ask('dash', [port]), [place]).open).toBe(0);
  });
});

describe('an answer about sockets', () => {
  it.each(['', 'listen 0100007F:0050\n', 'listen x\nend\n', 'other 0100007F:0050\nend\n'])('is refused when it is incomplete or strange: %j', (text) => {
    expect(() => parseSockets(text)).toThrow(/sockets/);
  });
});

describe('where clients arrive on a real server', () => {
  const place = (text: string) => {
    const service = topologyOf(text).services.get('web');
    if (service === undefined) throw new Error('no web');
    return localPlaces(service, service.realServers[0] as never);
  };

  it('is the virtual IP in DR and TUN, and its own address in NAT', () => {
    expect(place(EXAMPLE)).toEqual([{ address: '192.168.0.38', port: 80 }]);
    expect(place(changed(EXAMPLE, 'mode: dr', 'mode: tun'))).toEqual([{ address: '192.168.0.38', port: 80 }]);
    expect(place(EXAMPLE.replace('mode: dr', 'mode: nat').replace('rs1: { weight: 1 }', 'rs1: { port: 8080 }'))).toEqual([{ address: '192.168.0.18', port: 8080 }]);
  });

  it('is the port that was asked for with a mark, and unknown where NAT has all ports', () => {
    const marked = (ports: string) => EXAMPLE.replace('address: 192.168.0.38:80', `fwmark: 7\n    endpoints: [${ports}]`).replace('mode: dr', 'mode: nat\n    persistence: 60\n    health_check: { type: tcp, port: 80 }').replaceAll(/(rs\d): \{ weight: 1 \}/g, '$1:');
    expect(place(marked('192.168.0.38:81, 192.168.0.38:82'))).toEqual([{ address: '192.168.0.18', port: 81 }, { address: '192.168.0.18', port: 82 }]);
    expect(place(marked('192.168.0.38:0'))).toEqual([]);
  });

  it('has no end to be seen with UDP', () => {
    expect(place(changed(EXAMPLE, 'mode: dr', 'mode: dr\n    protocol: udp'))).toEqual([]);
  });
});
