import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changedBy, eventually } from '../lab/support.ts';
import { TunnelLab, UPLOAD, VIP } from '../lab/tunnels.ts';

describe('TUN with one director and real servers on another network', () => {
  let tun: TunnelLab;
  beforeAll(async () => {
    tun = await TunnelLab.boot('tun-kinds', 'tun-single', ['lvs1', 'rs1', 'rs2']);
  });
  afterAll(() => tun.leave());

  it.each([
    ['{ type: gue, port: 6080 }', '--tun-type gue --tun-port 6080', 'tunl0'],
    ['{ type: gue, port: 6081, checksum: remcsum }', '--tun-type gue --tun-port 6081 --tun-remcsum', 'tunl0'],
    ['gre', '--tun-type gre', 'gre0'],
    ['{ type: gre, checksum: csum }', '--tun-type gre --tun-csum', 'lvs_gre'],
  ])('serves with tunnel: %s', async (tunnel, words, device) => {
    await tun.deployWith(tunnel);
    expect(await tun.lab.sh('lvs1', 'ipvsadm -Sn')).toContain(words);
    expect([...new Set(await tun.who(6))].sort()).toEqual(['rs1', 'rs2']);
    expect(await tun.uploaded()).toBe(String(UPLOAD));
    // What the tunnel before needed is gone.
    const carriers = (await tun.lab.sh('rs1', 'ip -o -4 address show')).split('\n').filter((line) => line.includes(`${VIP}/32`)).map((line) => line.split(/\s+/)[1]);
    expect(carriers).toEqual([device]);
    const ports = tunnel.includes('gue') ? /port: (\d+)/.exec(tunnel)?.[1] ?? '' : '';
    expect((await tun.lab.sh('rs1', 'ip fou show 2>/dev/null || :')).trim()).toBe(ports === '' ? '' : `port ${ports} gue`);
    expect((await tun.lab.sh('rs1', 'iptables-save -t mangle')).match(/TCPMSS/g)).toHaveLength(1);
  });

  it('comes back serving after every node was rebooted from inside, with nothing to change', async () => {
    await tun.servesAgainAfterReboot();
  });

  it('is imported from its hosts to an inventory that changes nothing', async () => {
    const imported = await tun.lab.imported({ lvs1: '192.168.0.8', rs1: '192.168.1.18', rs2: '192.168.1.28' });
    expect(imported.stderr).toContain('0 mistakes found, 0 to be completed, 0 not understood.');
    const plan = await tun.lab.planOf(imported);
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
  });

  it('is rolled back, run by run, to what was there before the first', () => tun.isAsBefore());
});

describe('TUN with a pair', () => {
  let tun: TunnelLab;
  beforeAll(async () => {
    tun = await TunnelLab.boot('tun-pair', 'tun-pair', ['lvs1', 'lvs2', 'rs1', 'rs2']);
  });
  afterAll(() => tun.leave());

  it('serves, uploads whole, and goes on when the holder crashes', async () => {
    expect([...new Set(await tun.who(6))].sort()).toEqual(['rs1', 'rs2']);
    expect(await tun.uploaded()).toBe(String(UPLOAD));
    expect(await changedBy(...tun.site)).toEqual([]);
    await tun.lab.fault('crash', 'lvs1');
    await eventually(() => tun.who(6), (seen) => [...new Set(seen)].sort().join() === 'rs1,rs2');
    await tun.lab.fault('boot', 'lvs1');
  });

  it('comes back serving after every node was rebooted from inside, with nothing to change', async () => {
    await tun.servesAgainAfterReboot();
  });

  it('is rolled back to what was there before', () => tun.isAsBefore());
});
