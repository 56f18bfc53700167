import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMON_FAULTS, type Fault, faults, planted, settledFaults } from '../lab/planted.ts';
import { lvsPlay, must, runDocument, TestLab } from '../lab/support.ts';

const VIP = '192.168.0.38';

describe('planted in a pair in DR', () => {
  let lab: TestLab;
  beforeAll(async () => {
    lab = await TestLab.installed('verify-faults', 'inventories/dr-keepalived-pair/hosts.yml');
    const synchronised = await lab.edited('inventories/dr-keepalived-pair/hosts.yml', ['vips: [192.168.0.38]', 'vips: [192.168.0.38]\n          connection_sync: true'], ['check_interval: 6', 'check_interval: 2'], ['retry: 3, delay_before_retry: 3', 'retry: 1, delay_before_retry: 1']);
    await must(lab.client('cp', `${synchronised}/hosts.yml`, `${lab.overlay}/hosts.yml`));
    await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
    await lab.held('lvs1', VIP);
    expect(await settledFaults(lab)).toEqual([]);
  });
  afterAll(() => lab.down());

  it.each<Fault>([
    ...COMMON_FAULTS,
    ['arp_ignore unset', { rs1: 'sysctl -q -w net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.eth0.arp_ignore=0' }, /^host vip-answered-by-server: .*rs1/, { rs1: 'sysctl -q -w net.ipv4.conf.all.arp_ignore=1' }],
    ['nobody', { lvs2: 'systemctl stop keepalived', lvs1: 'systemctl stop keepalived' }, /^holder 192\.168\.0\.38: held by nobody/, { lvs1: 'systemctl start keepalived', lvs2: 'systemctl start keepalived' }],
    ["a service on the real server's own address only", { rs1: "sed -i 's/listen 80 default_server/listen 192.168.0.18:80 default_server/; s/listen \\[::\\]:80/#&/' /etc/nginx/sites-enabled/default; systemctl restart nginx" }, /^listener rs1: .*nobody listens on 192\.168\.0\.38:80, only on 192\.168\.0\.18/, { rs1: "sed -i 's/listen 192.168.0.18:80 default_server/listen 80 default_server/; s/#listen \\[::\\]:80/listen [::]:80/' /etc/nginx/sites-enabled/default; systemctl restart nginx" }],
    ['a health check that asks where nobody is', Object.fromEntries(['lvs1', 'lvs2'].map((host) => [host, "sed -i.good 's/connect_port 80/connect_port 8099/' /etc/keepalived/keepalived.conf; systemctl reload keepalived"])), /^table lvs\d: .*rs1 is missing in web though it answers: the director's own check of it fails/, Object.fromEntries(['lvs1', 'lvs2'].map((host) => [host, 'mv /etc/keepalived/keepalived.conf.good /etc/keepalived/keepalived.conf; systemctl reload keepalived']))],
    ['a sync daemon that is off', { lvs2: 'ipvsadm --stop-daemon backup' }, /^sync lvs2: no sync daemon/, { lvs2: 'systemctl restart keepalived' }],
    ['a foreign service in the table', { lvs1: `ipvsadm -A -t ${VIP}:81 -s rr` }, /^table lvs1: .*192\.168\.0\.38:81/, { lvs1: `ipvsadm -D -t ${VIP}:81` }],
  ])('%s is found and named', async (_name, plant, found, mend) => {
    await planted(lab, plant, found, mend);
  });

  it('what is drained is no fault, and what is forgotten is', async () => {
    await must(lvsPlay(['drain', 'rs1', '-i', lab.overlay, '--reason', 'test', '--until', '1h']));
    expect(await faults(lab)).toEqual([]);
    await must(lvsPlay(['drain', 'rs1', '-i', lab.overlay, '--reason', 'test', '--until', '1s']));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await faults(lab)).toEqual([expect.stringMatching(/^drains rs1: weight 0 by .*: test, until .*forgotten: it was to be over at .*lvs-play restore rs1/)]);
    await must(lvsPlay(['restore', 'rs1', '-i', lab.overlay, '--hold', '1s']));
    expect(await settledFaults(lab)).toEqual([]);
  });
});

describe('planted elsewhere', () => {
  it('a wrong gateway in NAT is found and named', async () => {
    const lab = await TestLab.installed('verify-nat', 'inventories/nat-single/hosts.yml');
    try {
      await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
      expect(await settledFaults(lab)).toEqual([]);
      const before = (await lab.sh('rs1', 'ip route show default')).trim();
      await planted(lab, { rs1: 'ip route replace default via 192.168.0.77 dev eth0' }, /^host gateway-past-director: .*rs1/, { rs1: `ip route replace ${before}` });
    } finally {
      await lab.down();
    }
  });

  it('a small MTU in TUN is found and named', async () => {
    const lab = await TestLab.installed('verify-tun', 'inventories/tun-single/hosts.yml');
    try {
      await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
      expect(await settledFaults(lab)).toEqual([]);
      await planted(lab, { lvs1: 'ip link set eth0 mtu 1300' }, /^host (?:tunnel-exceeds-mtu|mtu-differs): /, { lvs1: 'ip link set eth0 mtu 1500' });
    } finally {
      await lab.down();
    }
  });
});
