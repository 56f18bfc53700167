import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changedBy, lvsPlay, must } from './support.ts';
import { TunnelLab, UPLOAD, VIP } from './tunnels.ts';

/** Other tunnels, reboots, import, rollback and a pair: test/soak/tun.test.ts. */
describe('TUN with one director and real servers on another network', () => {
  let tun: TunnelLab;
  beforeAll(async () => {
    tun = await TunnelLab.boot('tun', 'tun-single', ['lvs1', 'rs1', 'rs2']);
  });
  afterAll(() => tun.leave());

  it('both real servers answer through the VIP, and a second deploy changes nothing', async () => {
    expect((await tun.who(10)).sort()).toEqual([...Array<string>(5).fill('rs1'), ...Array<string>(5).fill('rs2')]);
    expect(await changedBy(...tun.site)).toEqual([]);
  });

  it('carries whole what is larger than a packet, in both directions', async () => {
    expect(await tun.uploaded()).toBe(String(UPLOAD));
    const large = await must(tun.lab.client('sh', '-c', `curl -s -m 30 http://${VIP}/large | wc -c`));
    expect(Number(large.stdout)).toBe(200_000 + 'rs1 0\n'.length);
  });

  it('a client that ICMP does not reach can upload, because the real servers offer small segments', async () => {
    await tun.lab.sh('lvs1', 'iptables -A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP');
    await must(tun.lab.client('ip', 'route', 'flush', 'cache'));
    expect(await tun.uploaded()).toBe(String(UPLOAD));
    for (const host of ['rs1', 'rs2']) await tun.lab.sh(host, 'iptables -t mangle -D OUTPUT 1');
    // The trap: without the rule the first full packet is lost, again and again.
    expect(await tun.uploaded()).toBe('');
    await must(lvsPlay(['deploy', ...tun.site]));
    expect(await tun.uploaded()).toBe(String(UPLOAD));
    // And the table with it: a rollback of a later run would load it again.
    await tun.lab.sh('lvs1', 'iptables -D OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP && rmmod iptable_filter bpfilter');
  });
});
