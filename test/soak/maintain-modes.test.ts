import { afterEach, describe, expect, it } from 'vitest';
import { SLOW_PAGE, whileLoaded } from '../lab/load.ts';
import { lvsPlay, runDocument, scratch, TestLab } from '../lab/support.ts';
import { SERVERS, serviceAway, threeServers } from '../lab/three-servers.ts';

describe('maintenance of three real servers with a load', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  // Not as fast as they are answered, as other labs are on this machine too; the one in DR is asked that way (maintain.test.ts). Alone and without a pause: 255,377
  // requests in TUN and 179,069 in NAT, none failed, 480 and 240 downloads, none cut.
  it.each([
    ['tun', 'inventories/tun-pair/hosts.yml', '192.168.0.38', 20],
    ['nat', 'inventories/nat-pair/hosts.yml', '172.16.254.200', 20],
  ])('loses no request and cuts no download: %s', async (mode, inventory, vip, pause) => {
    const files = await scratch({ 'hosts.yml': await threeServers(inventory), 'patch.yml': serviceAway() });
    ends.push(files.remove);
    const lab = await TestLab.installed(`maintain-${mode}`, `${files.dir}/hosts.yml`);
    ends.push(() => lab.down());
    // Of the example's service with two ports.
    await lab.shOn(SERVERS, "echo 'server { listen 81; listen 82; root /var/www/html; }' >/etc/nginx/conf.d/more.conf");
    await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
    await lab.shOn(SERVERS, SLOW_PAGE);
    await lab.held('lvs1', vip);
    const { value, load } = await whileLoaded(lab, { vip, port: 80, least: 10_000, workers: 8, pause, downloads: 20 }, () =>
      lvsPlay(['maintain', 'real_servers', '-i', lab.overlay, '--playbook', `${files.dir}/patch.yml`, '--reboot', '--reason', 'test']),
    );
    expect(value.code, value.stderr).toBe(0);
    console.log(`${mode}: ${JSON.stringify(load)}`);
    expect(load.failures).toEqual({});
    expect(load.downloads).toMatchObject({ cut: 0, failures: [] });
    expect(load.sent).toBeGreaterThanOrEqual(10_000);
    expect(load.downloads.whole).toBeGreaterThanOrEqual(60);
    expect(load.reused).toBeGreaterThan(300);
    expect(Object.keys(load.answers).sort()).toEqual(SERVERS);
  });
});
