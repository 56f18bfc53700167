import { eventually, must, type TestLab } from './support.ts';

/** What the namespace's outer address is seen as, asked from the inside: a real server's own connection to the outside. */
export async function seenOutside(lab: TestLab, host: string): Promise<string> {
  const outer = (await must(lab.client('sh', '-c', "ip -o -4 addr show | sed -n 's/.* \\(172\\.16\\.254\\.[0-9]*\\)\\/.*/\\1/p'"))).stdout.trim();
  const program = `const s = require('node:net').createServer((c) => { console.log(c.remoteAddress); c.end(); s.close(); }); s.listen(7777, '${outer}'); setTimeout(() => process.exit(1), 20000).unref();`;
  const listening = must(lab.client(process.execPath, '-e', program));
  await eventually(() => lab.sh(host, `busybox nc -w 2 ${outer} 7777 </dev/null >/dev/null 2>&1 && echo ok || echo no`), (said) => said.includes('ok'), 20);
  return (await listening).stdout.trim().replace('::ffff:', '');
}
