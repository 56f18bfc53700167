import { describe, expect, it } from 'vitest';
import { renderKeepalived } from '../../../../src/lvs/keepalived/render.ts';
import { changed, EXAMPLE, topologyOf } from '../support.ts';

const V2_2_7 = { major: 2, minor: 2, patch: 7 };

describe('renderKeepalived', () => {
  it('writes the MASTER of the example', () => {
    const text = changed(EXAMPLE, 'interface: eth0', 'interface: eth0\n    auth_pass: "1111"');
    expect(renderKeepalived(topologyOf(text), 'lvs1', V2_2_7)).toBe(`! Configuration File for keepalived
! managed by lvs-play; changes made here are lost at the next deploy

global_defs {
    router_id lvs1
    reload_check_config
}

vrrp_instance edge {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        192.168.0.38/32 dev eth0
    }
}

virtual_server 192.168.0.38 80 {
    delay_loop 6
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server 192.168.0.18 80 {
        weight 1
        TCP_CHECK {
            connect_timeout 3
            retry 3
            delay_before_retry 1
            connect_port 80
        }
    }
    real_server 192.168.0.28 80 {
        weight 1
        TCP_CHECK {
            connect_timeout 3
            retry 3
            delay_before_retry 1
            connect_port 80
        }
    }
}
`);
  });

  it('makes the other one BACKUP, and both without preemption', () => {
    expect(renderKeepalived(topologyOf(EXAMPLE), 'lvs2', V2_2_7)).toMatch(/state BACKUP\n {4}interface[^]*priority 90/);
    const calm = topologyOf(changed(EXAMPLE, 'interface: eth0', 'interface: eth0\n    preempt: false'));
    for (const director of ['lvs1', 'lvs2']) expect(renderKeepalived(calm, director, V2_2_7)).toMatch(/state BACKUP\n {4}nopreempt\n/);
  });

  it('asks for the check of a reload only where the version knows it', () => {
    expect(renderKeepalived(topologyOf(EXAMPLE), 'lvs1', { major: 2, minor: 1, patch: 5 })).not.toContain('reload_check_config');
  });

  it('writes nothing of a pair for a host outside it', () => {
    const text = renderKeepalived(topologyOf(EXAMPLE), 'rs1', V2_2_7);
    expect(text).not.toMatch(/vrrp_instance|virtual_server/);
  });

  it('leaves out what a script fills', () => {
    const text = `${EXAMPLE}  plain: { on: lvs1, manager: script, address: 192.168.0.77:80, interface: eth0, mode: dr, scheduler: rr, real_servers: { rs1: {} } }\n`;
    const written = renderKeepalived(topologyOf(text), 'lvs1', V2_2_7);
    expect(written).toContain('virtual_server 192.168.0.38 80');
    expect(written).not.toContain('192.168.0.77');
  });
});

/** The lines of lvs1's file without indentation; `pair` and `service` are added to the example's, `top` beside them. */
function linesWith({ pair = '', service = '', top = '', director = 'lvs1', replace = [] as readonly (readonly [string, string])[] }): string {
  const indented = (text: string, by: string) => text.trim().split('\n').filter((line) => line !== '').map((line) => `${by}${line}\n`).join('');
  const base = changed(EXAMPLE, '    virtual_router_id: 51\n', `    virtual_router_id: 51\n${indented(pair, '    ')}`);
  const text = replace.reduce((now, [piece, by]) => changed(now, piece, by), `${top === '' ? '' : `${top.trim()}\n`}${base}${indented(service, '    ')}`);
  return renderKeepalived(topologyOf(text), director, V2_2_7).replaceAll(/^ +/gm, '');
}

describe('an HA pair', () => {
  it.each<[string, Parameters<typeof linesWith>[0], readonly string[]]>([
    ['VRRP version', { pair: 'version: 3' }, ['version 3']],
    ['delay of taking over: BACKUP at first', { pair: 'preempt_delay: 30' }, ['state BACKUP\npreempt_delay 30\ninterface eth0']],
    ['unicast', { pair: 'unicast: true' }, ['unicast_src_ip 192.168.0.48\nunicast_peer {\n192.168.0.58\n}']],
    ['unicast, from the other side', { pair: 'unicast: true', director: 'lvs2' }, ['unicast_src_ip 192.168.0.58\nunicast_peer {\n192.168.0.48\n}']],
    ["a member's own interface and address", { pair: 'unicast: true', replace: [['priority: 90', 'priority: 90, interface: bond0, address: 10.9.9.9']], director: 'lvs2' }, ['interface bond0', 'unicast_src_ip 10.9.9.9', '192.168.0.38/32 dev bond0']],
    ['virtual MAC: its addresses on the virtual interface', { pair: 'vmac: true' }, ['use_vmac\n', 'virtual_ipaddress {\n192.168.0.38/32\n}']],
    ['virtual MAC with a name', { pair: 'vmac: { interface: vrrp.51, adverts_from_base: true }' }, ['use_vmac vrrp.51\nvmac_xmit_base']],
    ['virtual MAC and unicast', { pair: 'vmac: true\nunicast: true' }, ['use_vmac\nvmac_xmit_base']],
    ['gratuitous ARP', { pair: 'garp: { delay: 1, repeat: 2, refresh: 60, refresh_repeat: 3, lower_priority_repeat: 4 }' }, ['garp_master_delay 1\ngarp_master_repeat 2\ngarp_master_refresh 60\ngarp_master_refresh_repeat 3\ngarp_lower_prio_repeat 4']],
    ['a password', { pair: 'auth_pass: "a.b"' }, ['authentication {\nauth_type PASS\nauth_pass a.b\n}']],
    ['addresses that are not in the adverts', { pair: 'excluded_vips: ["2001:db8::38", { address: 10.1.1.1/24, interface: eth1 }]' }, ['virtual_ipaddress_excluded {\n2001:db8::38/128 dev eth0\n10.1.1.1/24 dev eth1\n}']],
    ['routes and rules', { pair: 'routes: ["192.168.9.0/24 via 10.0.0.254 dev eth1"]\nrules: ["from 192.168.9.0/24 table 100 preference 7"]' }, ['virtual_routes {\n192.168.9.0/24 via 10.0.0.254 dev eth1\n}\nvirtual_rules {\nfrom 192.168.9.0/24 table 100 preference 7\n}']],
    ['connection sync', { pair: 'connection_sync: true' }, ['lvs_sync_daemon eth0 edge id 51\n']],
    ['connection sync in full', { pair: 'connection_sync: { interface: eth1, sync_id: 7, port: 8849, group: 224.0.0.82, ttl: 2, maxlen: 1400 }' }, ['lvs_sync_daemon eth1 edge id 7 maxlen 1400 port 8849 ttl 2 group 224.0.0.82']],
    ['IPVS time-outs', { top: 'ipvs: { timeouts: { tcp: 900, tcp_fin: 120, udp: 300 } }' }, ['lvs_timeouts tcp 900 tcpfin 120 udp 300']],
    ['interfaces: its own is tracked anyway', { pair: 'track: { interfaces: [eth0, eth1, { name: eth2, weight: -20 }] }' }, ['track_interface {\neth1\neth2 weight -20\n}']],
    [
      'a script: shipped, and only with security and a user',
      { top: 'scripts: { check: "#!/bin/sh\\n" }\ntrack_scripts: { web: { command: [check, "a b"], interval: 2, timeout: 3, weight: -10, fall: 2, rise: 3, user: nobody }, other: { command: /bin/true } }', pair: 'track: { scripts: [web] }' },
      ['enable_script_security\nscript_user root\n', "vrrp_script web {\nscript \"/usr/local/libexec/lvs-play/check 'a b'\"\nuser nobody\ninterval 2\ntimeout 3\nweight -10\nfall 2\nrise 3\n}", 'track_script {\nweb\n}'],
    ],
    ['files, without a weight FAULT', { top: 'track_files: { drain: { file: /run/x } }', pair: 'track: { files: [drain] }' }, ['track_file drain {\nfile "/run/x"\nweight 0\n}', 'track_file {\ndrain\n}']],
    ['processes, without a weight FAULT', { top: 'track_processes: { web: { process: nginx, quorum: 2 } }', pair: 'track: { processes: [{ name: web, weight: 5 }] }' }, ['vrrp_track_process web {\nprocess "nginx"\nweight 0\nquorum 2\n}', 'track_process {\nweb weight 5\n}']],
    [
      'BFD',
      { top: 'bfd: { peer: { neighbor: 10.0.0.2, source: 10.0.0.1, min_rx: 50, min_tx: 60, idle_tx: 1000, multiplier: 3, passive: true } }', pair: 'track: { bfd: [peer] }' },
      ['bfd_instance peer {\nsource_ip 10.0.0.1\nneighbor_ip 10.0.0.2\nmin_rx 50\nmin_tx 60\nidle_tx 1000\nmultiplier 3\npassive\n}', 'track_bfd {\npeer\n}'],
    ],
    ['notify scripts', { top: 'script_user: nobody', pair: 'notify: { master: [/bin/true, m], backup: /bin/true, fault: /bin/true, stop: /bin/true, any: /bin/false }' }, ['script_user nobody', 'notify_master "/bin/true m"\nnotify_backup "/bin/true"\nnotify_fault "/bin/true"\nnotify_stop "/bin/true"\nnotify "/bin/false"']],
  ])('%s', (_what, options, expected) => {
    const lines = linesWith(options);
    for (const piece of expected) expect(lines).toContain(piece);
  });

  it('defines no tracker that nothing uses', () => {
    const top = 'track_scripts: { web: { command: /bin/true } }\ntrack_files: { drain: { file: /run/x } }\ntrack_processes: { p: { process: nginx } }\nbfd: { peer: { neighbor: 10.0.0.2 } }';
    expect(linesWith({ top })).not.toMatch(/vrrp_script|track_file|track_process|bfd_instance|script_security/);
  });

  it('moves with others in a sync group, where a weight would be ignored', () => {
    const top = `track_scripts: { web: { command: /bin/true, weight: -10 } }
sync_groups: { both: { pairs: [edge, inner], track: { interfaces: [eth0, eth2], scripts: [{ name: web, weight: 0 }] }, notify: { master: /bin/true } } }`;
    const inner = 'ha_pairs:\n  inner: { members: { lvs1: { priority: 9 }, lvs2: { priority: 8 } }, interface: eth1, virtual_router_id: 52, vips: [192.168.1.8/24] }';
    const lines = linesWith({ top, pair: 'track: { interfaces: [eth2, eth3] }', replace: [['ha_pairs:', inner]] });
    expect(lines).toContain('vrrp_sync_group both {\ngroup {\nedge\ninner\n}\ntrack_interface {\neth2\n}\ntrack_script {\nweb weight 0\n}\nnotify_master "/bin/true"\n}');
    expect(lines).toContain('track_interface {\neth3\n}');
  });
});

describe('a service', () => {
  const fwmark = [['    address: 192.168.0.38:80\n', '    fwmark: 7\n    endpoints: [192.168.0.38:80, 192.168.0.38:443]\n']] as const;

  it.each<[string, Parameters<typeof linesWith>[0], readonly string[]]>([
    ['scheduler flags', { service: 'scheduler_flags: [sh-port, sh-fallback]', replace: [['scheduler: rr', 'scheduler: sh']] }, ['lb_algo sh\nsh-fallback\nsh-port\nlb_kind DR']],
    ['one-packet scheduling', { service: 'protocol: udp\none_packet: true' }, ['lb_algo rr\nops\nlb_kind DR\nprotocol UDP']],
    ['persistence', { service: 'persistence: 300' }, ['lb_kind DR\npersistence_timeout 300\nprotocol TCP']],
    ['persistence of networks', { service: 'persistence: { timeout: 300, prefix: 20 }' }, ['persistence_timeout 300\npersistence_granularity 255.255.240.0\n']],
    ['persistence by Call-ID', { service: 'protocol: udp\npersistence: { timeout: 60, engine: sip }' }, ['persistence_engine sip\npersistence_timeout 60\nprotocol UDP']],
    ['quorum', { service: 'quorum: { count: 2, hysteresis: 1, up: [/bin/true, u], down: /bin/false }', replace: [['rs2: { weight: 1 }', 'rs2: { weight: 2 }']] }, ['quorum 2\nhysteresis 1\nquorum_up "/bin/true u"\nquorum_down "/bin/false"']],
    ['alpha and omega', { service: 'alpha: true\nomega: true' }, ['alpha\nomega\n']],
    ['sorry server', { service: 'sorry_server: { address: 192.168.0.99, inhibit: true }' }, ['sorry_server 192.168.0.99 80\nsorry_server_inhibit\nreal_server']],
    ['sorry server of another mode', { service: 'sorry_server: { address: 192.168.0.99, mode: nat, port: 8080 }' }, ['sorry_server 192.168.0.99 8080\nsorry_server_lvs_method NAT\n']],
    ['inhibit for all', { service: 'inhibit_on_failure: true' }, ['weight 1\ninhibit_on_failure\nTCP_CHECK']],
    ['a real server of its own', { replace: [['rs1: { weight: 1 }', 'rs1: { weight: 3, upper_threshold: 100, lower_threshold: 50, on_up: [/bin/true, "a b"], on_down: /bin/true, health_check: { type: none } }']] }, ['weight 3\nuthreshold 100\nlthreshold 50\nnotify_up "/bin/true \'a b\'"\nnotify_down "/bin/true"\n}']],
    ['a mark: no protocol', { replace: fwmark }, ['virtual_server fwmark 7 {\ndelay_loop 6\nlb_algo rr\nlb_kind DR\nreal_server 192.168.0.18 0 {']],
    ['IPIP', { replace: [['mode: dr', 'mode: tun']] }, ['lb_kind TUN\n']],
    ['GUE', { service: 'tunnel: { type: gue, port: 5555, checksum: remcsum }', replace: [['mode: dr', 'mode: tun']] }, ['lb_kind TUN type gue port 5555 remcsum\n']],
    ['GRE', { service: 'tunnel: { type: gre, checksum: csum }', replace: [['mode: dr', 'mode: tun']] }, ['lb_kind TUN type gre csum\n']],
    ['another port by NAT', { replace: [['mode: dr', 'mode: nat'], ['rs1: { weight: 1 }', 'rs1: { port: 8080 }']] }, ['real_server 192.168.0.18 8080 {', 'connect_port 8080']],
  ])('%s', (_what, options, expected) => {
    const lines = linesWith(options);
    for (const piece of expected) expect(lines).toContain(piece);
  });

  it('of a mark of IPv6 says so, before anything that has a family', () => {
    const six = (text: string): string => text.replace('192.168.0.38]', '"2001:db8::38"]').replace('rs1: { weight: 1 }', 'rs1: { address: "2001:db8::18" }').replace('rs2: { weight: 1 }', 'rs2: { address: "2001:db8::28" }');
    const text = six(changed(EXAMPLE, 'address: 192.168.0.38:80', 'fwmark: 7\n    endpoints: ["[2001:db8::38]:80"]\n    persistence: { timeout: 9, prefix: 64 }'));
    const lines = renderKeepalived(topologyOf(text), 'lvs1', V2_2_7).replaceAll(/^ +/gm, '');
    expect(lines).toContain('virtual_server fwmark 7 {\nip_family inet6\n');
    expect(lines).toContain('persistence_granularity 64\n');
  });
});

describe('a health check', () => {
  const timing = 'connect_timeout 3\nretry 3\ndelay_before_retry 1\n';

  it.each([
    ['{ type: tcp, connect_timeout: 0.5, retry: 0, delay_before_retry: 1.5, interval: 2, warmup: 0, port: 22, address: 10.0.0.9 }', 'TCP_CHECK {\nconnect_timeout 0.5\nretry 0\ndelay_before_retry 1.5\ndelay_loop 2\nwarmup 0\nconnect_ip 10.0.0.9\nconnect_port 22\n}'],
    ['{ type: http, path: /a, status: [200, "300-399"], virtual_host: www.example.org, http_version: "1.1" }', `HTTP_GET {\nurl {\npath "/a"\nstatus_code 200 300-399\n}\nvirtualhost "www.example.org"\nhttp_protocol 1.1\n${timing}connect_port 80\n}`],
    [String.raw`{ type: ssl, urls: [{ path: /b, regex: '\d', regex_absent: true }, { digest: 640205b7b0fc66c1ea91c463fac6334d }] }`, `SSL_GET {\nurl {\npath "/b"\nstatus_code 200\nregex "\\\\d"\nregex_no_match\n}\nurl {\npath "/"\ndigest 640205b7b0fc66c1ea91c463fac6334d\nstatus_code 200\n}\n${timing}connect_port 80\n}`],
    ['{ type: smtp, helo_name: lb.example }', `SMTP_CHECK {\n${timing}connect_port 80\nhelo_name "lb.example"\n}`],
    ['{ type: dns, record_type: A, name: example.org }', `DNS_CHECK {\n${timing}connect_port 80\ntype A\nname example.org\n}`],
    ['{ type: ping }', `PING_CHECK {\n${timing}}`],
    ['{ type: udp, payload: "hi!", require_reply: true }', `UDP_CHECK {\n${timing}connect_port 80\npayload 686921\nrequire_reply\n}`],
    ['{ type: misc, command: [/bin/true, "a b"], user: nobody, timeout: 3, dynamic_weight: true }', `MISC_CHECK {\nmisc_path "/bin/true 'a b'"\nmisc_timeout 3\nmisc_dynamic\nuser nobody\nretry 3\ndelay_before_retry 1\n}`],
    ['{ type: file, track_file: drain }', 'FILE_CHECK {\ntrack_file drain\nweight -7\n}'],
    ['{ type: file, track_file: drain, weight: 2 }', 'FILE_CHECK {\ntrack_file drain\nweight 2\n}'],
    ['[{ type: bfd, instance: peer }, { type: bfd, instance: peer }, { type: tcp }]', `weight 1\nBFD_CHECK {\nname peer\n}\nTCP_CHECK {\n${timing}connect_port 80\n}\n}`],
  ])('%s', (check, expected) => {
    const top = 'track_files: { drain: { file: /run/x, weight: -7 } }\nbfd: { peer: { neighbor: 10.0.0.2 } }';
    expect(linesWith({ top, service: `health_check: ${check}` })).toContain(expected);
  });
});
