import { execFile, spawn } from 'node:child_process';
import { isIPv6 } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { messageOf } from '../../core/errors.ts';
import type { ArpCount } from '../hands.ts';

/** For tcpdump to begin, and to end. */
const TURN_MS = 3000;

export interface ArpListening {
  end(): Promise<ArpCount>;
}

/** Listens on this machine for gratuitous ARP for a virtual IP, until it is ended. It needs to be on the virtual IP's layer 2, tcpdump, and the right to use it. */
export async function listenForArp(vip: string): Promise<ArpListening> {
  if (isIPv6(vip)) return unseen(vip, 'IPv6 has no ARP');
  const route = await promisify(execFile)('ip', ['-o', 'route', 'get', vip]).then(({ stdout }) => stdout, messageOf);
  const way = wayTo(vip, route);
  if ('unseen' in way) return unseen(vip, way.unseen);
  const child = spawn('tcpdump', ['-l', '-n', '-e', '--immediate-mode', '-i', way.device, `arp and arp src host ${vip} and arp dst host ${vip}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let heard = '';
  let told = '';
  child.stdout.on('data', (data: Buffer) => (heard += data.toString('utf8')));
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => { resolve(error.code === 'ENOENT' ? 'tcpdump is not installed here' : error.message); });
    child.once('close', () => { resolve(told.trim().split('\n').at(-1) ?? 'tcpdump ended'); });
  });
  const begun = new Promise<undefined>((resolve) => {
    child.stderr.on('data', (data: Buffer) => {
      told += data.toString('utf8');
      if (told.includes('listening on')) resolve(undefined);
    });
  });
  const failure = await Promise.race([ended, begun, delay(TURN_MS).then(() => 'tcpdump does not begin')]);
  if (failure !== undefined) {
    child.kill();
    return unseen(vip, failure);
  }
  return {
    end: async () => {
      child.kill();
      await Promise.race([ended, delay(TURN_MS)]);
      return { vip, from: countSenders(heard) };
    },
  };
}

/** How an address is reached, by what `ip -o route get` says. Pure. */
export function wayTo(vip: string, route: string): { readonly device: string } | { readonly unseen: string } {
  if (/^local /.test(route)) return { unseen: `${vip} is an address of this machine itself` };
  if (/ via /.test(route)) return { unseen: `${vip} is behind a router` };
  const device = / dev (\S+)/.exec(route)?.[1];
  return device === undefined ? { unseen: `no route to ${vip}` } : { device };
}

/** Packets by the hardware address that sent them, in what `tcpdump -e` prints. Pure. */
export function countSenders(text: string): Readonly<Record<string, number>> {
  const senders = [...text.matchAll(/^\S+ ([0-9a-f]{2}(?::[0-9a-f]{2}){5}) > .* ethertype ARP/gm)].map(([, mac = '']) => mac);
  return Object.fromEntries([...new Set(senders)].map((mac) => [mac, senders.filter((one) => one === mac).length]));
}

function unseen(vip: string, why: string): ArpListening {
  return { end: () => Promise.resolve({ vip, unseen: why }) };
}
