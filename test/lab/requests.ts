import { must, type TestLab } from './support.ts';

/** One HTTP request from a client in the lab's namespace. */
export interface Request {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  readonly localPort?: number;
}

/** Asks groups of requests one after the other, and those of a group at the same time. The server closes first, so that a port can be used again at once. */
const ASK = `
const net = require('node:net');
const REFUSED = ['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ETIMEDOUT'];
const BUSY = ['EADDRINUSE', 'EADDRNOTAVAIL'];
const ask = (request, tries = 20) => new Promise((resolve, reject) => {
  const socket = net.connect(request);
  let text = '';
  const end = (answer) => { clearTimeout(timer); socket.destroy(); resolve(answer); };
  const timer = setTimeout(() => end(''), 10_000);
  socket.on('data', (data) => { text += data; });
  socket.once('end', () => end(text.trim().split('\\n').at(-1)));
  socket.once('error', (error) => {
    if (REFUSED.includes(error.code)) return end('');
    clearTimeout(timer);
    if (!BUSY.includes(error.code) || tries === 0) return reject(error);
    setTimeout(() => ask(request, tries - 1).then(resolve, reject), 100);
  });
  socket.write('GET / HTTP/1.0\\r\\n\\r\\n');
});
(async () => {
  const names = [];
  for (const group of JSON.parse(process.argv[1])) names.push(...await Promise.all(group.map((request) => ask(request))));
  console.log(JSON.stringify(names));
})();
`;

/** The last line of each answer; '' for nobody's, within ten seconds. */
export async function answersTo(lab: TestLab, groups: readonly (readonly Request[])[]): Promise<string[]> {
  return JSON.parse((await must(lab.client(process.execPath, '-e', ASK, JSON.stringify(groups)))).stdout) as string[];
}

/** How many answers each server gave. */
export function share(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name === '' ? 'nobody' : name] = (counts[name === '' ? 'nobody' : name] ?? 0) + 1;
  return counts;
}

/**
 * The command that starts a UDP server which answers each packet with its name, bound to one address or to any. It answers from the address it is bound to, or from
 * whatever the route suggests. When the command returns the server has its port: what was started but does not listen yet refuses its first packets.
 */
export function udpServer(name: string, port: number, bound: string): string {
  const program = `my $s = IO::Socket::INET->new(LocalAddr => '${bound}', LocalPort => ${String(port)}, Proto => 'udp') or die; fork and exit; while (defined $s->recv(my $m, 2000)) { $s->send('${name}') }`;
  return `systemd-run -q --unit=udp${String(port)} --service-type=forking perl -MIO::Socket::INET -e "${program.replaceAll('$', '\\$')}"`;
}

/** Who answers each of four clients at the same time; '' for nobody, or for one with an address that was not asked. */
export async function udpAnswers(lab: TestLab, host: string, port: number): Promise<string[]> {
  const program = `
    const ask = () => new Promise((resolve) => {
      const socket = require('node:dgram').createSocket('udp4');
      const end = (name) => { clearTimeout(timer); socket.close(); resolve(name); };
      const timer = setTimeout(() => end(''), 10_000);
      socket.once('message', (data) => end(String(data)));
      socket.once('error', () => end(''));
      socket.connect(${String(port)}, '${host}', () => socket.send('who'));
    });
    Promise.all([ask(), ask(), ask(), ask()]).then((names) => console.log(JSON.stringify(names)));`;
  return JSON.parse((await must(lab.client(process.execPath, '-e', program))).stdout) as string[];
}
