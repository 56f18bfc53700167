import { describe, expect, it } from 'vitest';
import { configOf, confNodes } from '../../../../src/lvs/change/config.ts';
import { configDifferences } from '../../../../src/lvs/change/differences.ts';
import { parseDump } from '../../../../src/lvs/change/dump.ts';

/** What keepalived 2.2.7 wrote on a node on SIGUSR1, cut down to the lines that are read and some that are not. */
const VRRP = `------< Global definitions >------
 Router ID = lvs1
------< VRRP Topology >------
 VRRP Instance = edge
   VRRP Version = 2
   State = BACKUP
   Master router = 192.168.0.58
   Interface = eth0
   Virtual Router ID = 51
   Priority = 100
   Effective priority = 80
   Advert interval = 1 sec
   Authentication type = none
   Virtual IP (1):
     192.168.0.38 dev eth0 scope global
   fd_in 14, fd_out 15
 VRRP Instance = six
   VRRP Version = 3
   State = MASTER
   Interface = eth0
   Virtual Router ID = 66
   Priority = 10
   Advert interval = 500 milli-sec
   Virtual IP (2):
     2001:db8::38/64 dev eth0 scope global preferred_lft forever set
     2001:db8::39 dev lo scope global deprecated set
   Virtual IP Excluded :
     192.168.0.77/24 dev eth0 scope global set
   fd_in 16, fd_out 17
 VRRP Instance = au
   State = BACKUP
   Interface = vrrp.67, vmac on eth0, xmit base i/f
   Virtual Router ID = 67
   Priority = 10
   Advert interval = 1 sec
   Authentication type = SIMPLE_PASSWORD
   Password = secret12
   Virtual IP (1):
     192.168.0.79 dev eth0 scope global
   fd_in 14, fd_out 15
------< VRRP Sockpool >------
   Interface = eth0
   VRRP instances
     edge vrid 51
`;

const CHECKERS = `------< Global definitions >------
------< LVS Topology >------
 System is compiled with LVS v1.2.1
 ------< Virtual server group >------
 Virtual Server Group = g, IPv4 = yes, IPv6 = no
   VIP = 192.168.0.80, VPORT = 80
 ------< Virtual server >------
 VS VIP = 192.168.0.38, VPORT = 80
   lvs_sched = rr
   protocol = TCP
   default forwarding method = DR
   alive = 1
   ------< Real server >------
   RIP = 192.168.0.18, RPORT = 80, WEIGHT = 9 EFF WEIGHT = 0
   forwarding method = DR
   ------< Real server >------
   RIP = 192.168.0.28, RPORT = 80, WEIGHT = 1 EFF WEIGHT = 1
   forwarding method = DR
 ------< Virtual server >------
 VS FWMARK = 7
   lvs_sched = wlc
   persistence timeout = 300
   protocol = none
   default forwarding method = NAT
   ------< Real server >------
   RIP = 192.168.0.18, RPORT = 0, WEIGHT = 3 EFF WEIGHT = 3
 ------< Virtual server >------
 VS VIP = 2001:db8::38, VPORT = 443
   lvs_sched = sh
   protocol = UDP
   default forwarding method = TUN, type = IPIP
   sorry server = [192.168.0.18]:udp:443
     forwarding method = TUN, type = IPIP
   ------< Real server >------
   RIP = 192.168.0.28, RPORT = 443, WEIGHT = 3 EFF WEIGHT = 3
 ------< Virtual server >------
 VS GROUP = [g]:0
   lvs_sched = rr
   protocol = TCP
   default forwarding method = DR
   ------< Real server >------
   RIP = 192.168.0.18, RPORT = 80, WEIGHT = 1 EFF WEIGHT = 1
------< Health checkers >------
 [192.168.0.38]:tcp:80 -> [192.168.0.18]:tcp:80
`;

/** The file that it had read. */
const FILE = `vrrp_instance edge {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 100
    virtual_ipaddress {
        192.168.0.38/32 dev eth0
    }
}
vrrp_instance six {
  interface eth0
  virtual_router_id 66
  priority 10
  version 3
  advert_int 0.5
  virtual_ipaddress {
    2001:db8::38/64
    2001:0db8::39/128 dev lo
  }
  virtual_ipaddress_excluded {
    192.168.0.77/24
  }
}
vrrp_instance au {
  interface eth0
  virtual_router_id 67
  priority 10
  authentication {
    auth_type PASS
    auth_pass secret12345
  }
  virtual_ipaddress { 192.168.0.79 }
}
virtual_server 192.168.0.38 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 192.168.0.18 80 { weight 9 }
  real_server 192.168.0.28 80 { }
}
virtual_server fwmark 7 {
  lb_kind NAT
  persistence_timeout 300
  real_server 192.168.0.18 0 { weight 3 }
}
virtual_server 2001:db8::38 443 {
  lb_algo sh
  lb_kind TUN
  protocol UDP
  real_server 192.168.0.28 443 { weight 3 }
}
virtual_server group g {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 192.168.0.18 80 { weight 1 }
}
`;

const RUNNING = parseDump(VRRP, CHECKERS);
const differences = (file: string): string[] => configDifferences(RUNNING, configOf(confNodes(file, 'keepalived.conf')));

describe("what a running keepalived tells", () => {
  it('is what the file says that it had read', () => {
    expect(differences(FILE)).toEqual([]);
    expect(RUNNING.instances.map(({ name, state }) => [name, state])).toEqual([['edge', 'BACKUP'], ['six', 'MASTER'], ['au', 'BACKUP']]);
  });

  it.each([
    ['priority 100', 'priority 90', 'edge: priority 100, not 90'],
    ['interface eth0\n    virtual_router_id 51', 'interface eth9\n    virtual_router_id 51', 'edge: interface eth0, not eth9'],
    ['virtual_router_id 51', 'virtual_router_id 52', 'edge: virtual_router_id 51, not 52'],
    ['advert_int 0.5', 'advert_int 2', 'six: advert_int 0.5, not 2'],
    ['192.168.0.38/32 dev eth0', '192.168.0.38/32 dev eth0\n 192.168.0.39', 'edge: virtual IPs 192.168.0.38, not 192.168.0.38 192.168.0.39'],
    ['192.168.0.77/24', '192.168.0.78/24', 'six: excluded virtual IPs 192.168.0.77, not 192.168.0.78'],
    ['auth_pass secret12345', 'auth_pass other', 'au: another password'],
    ['weight 9', 'weight 1', 'TCP 192.168.0.38:80: 192.168.0.18:80 has weight 9, not 1'],
    ['  real_server 192.168.0.28 80 { }\n', '', 'TCP 192.168.0.38:80: 192.168.0.28:80 is still there'],
    ['real_server 192.168.0.28 443', 'real_server 192.168.0.29 443', 'UDP [2001:db8::38]:443: 192.168.0.29:443 is missing'],
    ['lb_algo sh', 'lb_algo mh', 'UDP [2001:db8::38]:443: scheduler sh, not mh'],
    ['persistence_timeout 300', 'persistence_timeout 60', 'FWM 7: persistence 300, not 60'],
    ['lb_kind NAT', 'lb_kind DR', 'FWM 7: lb_kind NAT, not DR'],
    ['virtual_server fwmark 7', 'virtual_server fwmark 8', 'virtual service FWM 8 is missing'],
    ['vrrp_instance au', 'vrrp_instance audit', 'instance audit is missing'],
  ])('differs from a file with %j as %j', (from, to, told) => {
    expect(FILE).toContain(from);
    expect(differences(FILE.replace(from, to))).toContain(told);
  });

  it('never tells a password', () => {
    expect(JSON.stringify(differences(FILE.replace('secret12345', 'hunter2')))).not.toMatch(/secret|hunter/);
  });

  it('is not taken from what is no dump', () => {
    expect(() => parseDump('', '')).toThrow('did not tell');
  });
});
