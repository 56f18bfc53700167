import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startLvsPlay, type CliResult, type TestLab } from './support.ts';

/** What became of a stream of requests. */
export interface StreamResult {
  readonly sent: number;
  /** The first of each kind, with how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** By who answered. */
  readonly answers: Readonly<Record<string, number>>;
}

/** Requests over connections of their own, four at a time and at most 80 a second, as they share the machine with what they look at; until told to stop but not before a number was reached; at most ten minutes. */
const STREAM = `
const net = require('node:net');
const fs = require('node:fs');
const [host, port, least, stop] = process.argv.slice(1);
const failures = {}, answers = {};
let sent = 0;
const until = Date.now() + 600_000;
const done = () => Date.now() > until || (sent >= Number(least) && fs.existsSync(stop));
const ask = () => new Promise((resolve) => {
  sent++;
  const socket = net.connect({ host, port: Number(port) });
  let text = '';
  const end = (failure) => {
    clearTimeout(timer);
    socket.destroy();
    if (failure === undefined) { const name = (text.split('\\r\\n\\r\\n')[1] ?? '').split('\\n')[0]; answers[name] = (answers[name] ?? 0) + 1; }
    else failures[failure] = (failures[failure] ?? 0) + 1;
    resolve();
  };
  const timer = setTimeout(() => end('no answer'), 10_000);
  socket.on('data', (data) => { text += data; });
  socket.once('end', () => end(text.includes(' 200 ') ? undefined : 'cut'));
  socket.once('error', (error) => end(error.code));
  socket.write('GET / HTTP/1.0\\r\\n\\r\\n');
});
const work = async () => { while (!done()) { await ask(); await new Promise((resolve) => setTimeout(resolve, 50)); } };
Promise.all([work(), work(), work(), work()]).then(() => console.log(JSON.stringify({ sent, failures, answers })));
`;

/** Sends requests through a virtual IP while something is done; at least so many. */
export async function whileStreaming<T>(lab: TestLab, vip: string, least: number, work: () => Promise<T>): Promise<{ readonly value: T; readonly stream: StreamResult }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-stream-'));
  const stop = path.join(folder, 'stop');
  const running = inLab(lab, [process.execPath, '-e', STREAM, vip, '80', String(least), stop]);
  try {
    const value = await work();
    await writeFile(stop, '');
    return { value, stream: JSON.parse((await running).stdout) as StreamResult };
  } finally {
    await writeFile(stop, '');
    await running;
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a third host saw on the wire. Seconds since the epoch. */
export interface Capture {
  /** VRRP adverts with a priority above 0, by source. */
  readonly adverts: readonly { readonly at: number; readonly from: string; readonly vrid: number }[];
  /** Answers to our own ARP requests for the virtual IP, ten a second, by who sent them. */
  readonly answers: readonly { readonly at: number; readonly mac: string }[];
}

const CAPTURE = `
import json, os, socket, struct, sys, time
vip, stop, dev = sys.argv[1:4]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((dev, 0))
s.settimeout(0.05)
mac = bytes.fromhex(open('/sys/class/net/%s/address' % dev).read().strip().replace(':', ''))
own = socket.inet_aton(sys.argv[4])
target = socket.inet_aton(vip)
who = b'\\xff' * 6 + mac + struct.pack('!HHHBBH', 0x0806, 1, 0x0800, 6, 4, 1) + mac + own + b'\\0' * 6 + target
adverts, answers = [], []
until, asked = time.time() + 150, 0
while time.time() < until and not os.path.exists(stop):
    if time.time() - asked > 0.1:
        asked = time.time()
        s.send(who)
    try:
        frame = s.recv(2048)
    except socket.timeout:
        continue
    now = time.time()
    kind = struct.unpack('!H', frame[12:14])[0]
    if kind == 0x0806 and struct.unpack('!H', frame[20:22])[0] == 2 and frame[28:32] == target and frame[0:6] == mac:
        answers.append({'at': now, 'mac': ':'.join('%02x' % b for b in frame[22:28])})
    elif kind == 0x0800 and frame[23] == 112:
        vrrp = frame[14 + (frame[14] & 15) * 4:]
        if vrrp[2] > 0:
            adverts.append({'at': now, 'from': socket.inet_ntoa(frame[26:30]), 'vrid': vrrp[1]})
print(json.dumps({'adverts': adverts, 'answers': answers}))
`;

/** Listens on the lab's network, and asks for a virtual IP by ARP, while something is done. */
export async function whileCapturing<T>(lab: TestLab, vip: string, work: () => Promise<T>): Promise<{ readonly value: T; readonly capture: Capture }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-capture-'));
  const stop = path.join(folder, 'stop');
  const route = (await lab.client('ip', 'route', 'get', vip)).stdout;
  const [, device = '', source = ''] = / dev (\S+) src (\S+)/.exec(route) ?? [];
  const running = inLab(lab, ['python3', '-c', CAPTURE, vip, stop, device, source]);
  try {
    const value = await work();
    await writeFile(stop, '');
    return { value, capture: JSON.parse((await running).stdout) as Capture };
  } finally {
    await writeFile(stop, '');
    await running;
    await rm(folder, { recursive: true, force: true });
  }
}

function inLab(lab: TestLab, argv: readonly string[]): Promise<CliResult> {
  return startLvsPlay(['lab', 'run', '--name', lab.name, '--', ...argv]).result;
}

/** A source that is silent for longer than this was not MASTER in between; more than the longest advert_int of the tests. */
const SILENCE = 3;

/** For how many seconds two sources were MASTER at the same time, by their adverts. 0: one at a time. */
export function overlap({ adverts }: Capture): number {
  return together(adverts.map(({ at, from, vrid }) => ({ at, by: from, thread: `${from} ${String(vrid)}` })), SILENCE);
}

/** For how many seconds two answered for the virtual IP. */
export function bothAnswer({ answers }: Capture): number {
  return together(answers.map(({ at, mac }) => ({ at, by: mac, thread: mac })), 1);
}

/** The longest time in which two were heard, each from its first sign to the last before a silence. */
function together(signs: readonly { readonly at: number; readonly by: string; readonly thread: string }[], silence: number): number {
  const spans: { by: string; thread: string; first: number; last: number }[] = [];
  for (const { at, by, thread } of signs) {
    const span = spans.findLast((one) => one.thread === thread);
    if (span !== undefined && at - span.last < silence) span.last = at;
    else spans.push({ by, thread, first: at, last: at });
  }
  return Math.max(0, ...spans.flatMap((one) => spans.filter((other) => other.by !== one.by).map((other) => Math.min(one.last, other.last) - Math.max(one.first, other.first))));
}

/** Who answered for the virtual IP. */
export function answerers(capture: Capture): string[] {
  return [...new Set(capture.answers.map(({ mac }) => mac))].sort();
}
