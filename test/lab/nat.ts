import { expect } from 'vitest';
import { eventually, lvsPlay, must, type TestLab } from './support.ts';

/** Rules of all tables without ours: what others have. */
export const OTHERS = "iptables-save | grep -v -e LVS_PLAY -e '^#' -e '^:\\(PREROUTING\\|INPUT\\|FORWARD\\|OUTPUT\\|POSTROUTING\\) '";

/** Somebody's rules in every table that we touch, and somebody's virtual service. */
export const SOMEBODY = [
  'iptables -t nat -N SOMEBODY',
  'iptables -t nat -A POSTROUTING -s 10.99.0.0/16 -j SOMEBODY',
  'iptables -t mangle -A PREROUTING -d 10.99.0.1/32 -j MARK --set-mark 99',
  'iptables -A INPUT -p tcp --dport 9 -j ACCEPT',
].join(' && ');

/** What the namespace's outer address is seen as, asked from the inside: a real server's own connection to the outside. */
export async function seenOutside(lab: TestLab, host: string): Promise<string> {
  const outer = (await must(lab.client('sh', '-c', "ip -o -4 addr show | sed -n 's/.* \\(172\\.16\\.254\\.[0-9]*\\)\\/.*/\\1/p'"))).stdout.trim();
  const program = `const s = require('node:net').createServer((c) => { console.log(c.remoteAddress); c.end(); s.close(); }); s.listen(7777, '${outer}'); setTimeout(() => process.exit(1), 600_000).unref();`;
  const listening = must(lab.client(process.execPath, '-e', program));
  await eventually(() => lab.sh(host, `busybox nc -w 2 ${outer} 7777 </dev/null >/dev/null 2>&1 && echo ok || echo no`), (said) => said.includes('ok'));
  return (await listening).stdout.trim().replace('::ffff:', '');
}

/** Everything that a packet needs on its way holds, redirects of every interface included. */
export async function holds(lab: TestLab): Promise<void> {
  expect(await lab.sh('lvs1', 'cat /proc/sys/net/ipv4/conf/*/send_redirects | sort -u')).toBe('0\n');
  const explained = await lvsPlay(['explain', 'web', '--live', '-i', lab.overlay]);
  expect(explained.code, explained.stdout).toBe(0);
}
