import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firewallRules, iptablesRule } from '../../../../src/lvs/host/firewall/rules.ts';
import { renderFirewallScript } from '../../../../src/lvs/host/firewall/firewall.ts';
import { changed, EXAMPLE, topologyOf } from '../support.ts';

const NAT = `nat_networks:
  inside: { on: lvs1, network: 10.1.0.0/24, gateway: 10.1.0.9 }
  other: { on: lvs1, network: 10.2.0.0/24, gateway: 10.2.0.1, masquerade: false }
`;
const MARKS = `${EXAMPLE}  marks:
    on: edge
    fwmark: 7
    endpoints: ['192.168.0.38:81', { address: '192.168.0.38:5060', protocol: udp }, { address: '192.168.0.38:0', protocol: sctp }]
    mode: dr
    scheduler: rr
    persistence: 60
    real_servers: { rs1: , rs2: }
`;
const BOTH = `${NAT}${MARKS}`;

describe('firewallRules', () => {
  it('masquerades what real servers begin, but not between networks or from the director', () => {
    expect(firewallRules(topologyOf(BOTH), 'lvs1', 4).nat.map(iptablesRule)).toEqual([
      '-A LVS_PLAY_NAT -d 10.1.0.0/24 -j RETURN',
      '-A LVS_PLAY_NAT -d 10.2.0.0/24 -j RETURN',
      '-A LVS_PLAY_NAT -m addrtype --src-type LOCAL -j RETURN',
      '-A LVS_PLAY_NAT -s 10.1.0.0/24 -j MASQUERADE',
    ]);
    expect(firewallRules(topologyOf(BOTH), 'lvs2', 4).nat).toEqual([]);
  });

  it('marks the packets to every endpoint, on every director of the service', () => {
    for (const host of ['lvs1', 'lvs2']) {
      expect(firewallRules(topologyOf(MARKS), host, 4).mangle.map(iptablesRule)).toEqual([
        '-A LVS_PLAY_MARK -d 192.168.0.38/32 -p tcp -m tcp --dport 81 -j MARK --set-xmark 0x7/0xffffffff',
        '-A LVS_PLAY_MARK -d 192.168.0.38/32 -p udp -m udp --dport 5060 -j MARK --set-xmark 0x7/0xffffffff',
        '-A LVS_PLAY_MARK -d 192.168.0.38/32 -p sctp -j MARK --set-xmark 0x7/0xffffffff',
      ]);
    }
    expect(firewallRules(topologyOf(MARKS), 'lvs1', 6)).toEqual({ nat: [], mangle: [] });
  });

  it('a director without any has no script', () => {
    expect(renderFirewallScript(topologyOf(EXAMPLE), 'lvs1')).toBeUndefined();
  });
});

describe('the script, on real firewalls in a network of its own', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-firewall-'));
    writeFileSync(path.join(dir, 'both'), renderFirewallScript(topologyOf(BOTH), 'lvs1') ?? '');
    writeFileSync(path.join(dir, 'marks'), renderFirewallScript(topologyOf(changed(MARKS, 'fwmark: 7', 'fwmark: 9')), 'lvs1') ?? '');
  });
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  /** Runs sh text with `iptables` and the like as chosen, others' rules already there; `shell` runs the scripts. */
  function run(tool: 'nft' | 'iptables', shell: string, text: string): string {
    // Where there is no nft, the iptables of nftables does it; the legacy one is the lab's.
    const hide = tool === 'nft' ? '' : 'mount --bind /dev/null "$(command -v nft)";';
    const script = `mount -t tmpfs none /run; ${hide}
      both() { ${shell} ${path.join(dir, 'both')} "$1"; }
      marks() { ${shell} ${path.join(dir, 'marks')} "$1"; }
      others() { iptables -t nat -A POSTROUTING -s 10.99.0.0/16 -j MASQUERADE; iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -t mangle -N SOMEBODY; iptables -t mangle -A PREROUTING -j SOMEBODY; }
      foreign() { iptables-save 2>/dev/null | grep -v -e LVS_PLAY -e '^#'; }
      ${text}`;
    const done = spawnSync('unshare', ['-rnm', 'sh', '-c', script], { encoding: 'utf8', env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } });
    return `${done.stdout}${done.stderr}`;
  }

  it.each(['dash', 'busybox sh'])('with nftables under %s: loads, says so, notices what is gone, changes, and takes itself away', (shell) => {
    const output = run(
      'nft',
      shell,
      `others; foreign >/run/before
       both status; echo "status $?"
       both start && both status; echo "status $?"
       nft list table ip lvs_play | grep -c -e masquerade -e 'dport 5060'
       nft flush chain ip lvs_play marks; both status; echo "flushed $?"
       both reload && both status; echo "reloaded $?"
       marks reload && marks status; echo "changed $?"
       nft list table ip lvs_play | grep -c masquerade; nft list table ip lvs_play | grep -c 0x00000009
       foreign | diff /run/before - && echo untouched
       marks stop; nft list tables | grep -c lvs_play; marks status; echo "stopped $?"`,
    );
    expect(output.replaceAll(/.*rules in force are others\n/g, '').split('\n').filter((line) => line !== '')).toEqual([
      'nothing is there', 'status 3', 'all is there', 'status 0', '2', 'flushed 1', 'all is there', 'reloaded 0', 'all is there', 'changed 0', '0', '3', 'untouched', '0', 'nothing is there', 'stopped 3',
    ]);
  });

  it.each(['dash', 'busybox sh'])('with iptables under %s', (shell) => {
    const output = run(
      'iptables',
      shell,
      `others; foreign >/run/before
       both start && both status; echo "status $?"
       iptables-save | grep LVS_PLAY_NAT
       iptables -t mangle -F LVS_PLAY_MARK; both status; echo "flushed $?"
       both start; both start && both status; echo "again $?"; iptables-save | grep -c -e '-j LVS_PLAY'
       marks reload && marks status; echo "changed $?"; iptables-save | grep -c LVS_PLAY_NAT; iptables-save | grep -c 0x9/
       foreign | diff /run/before - && echo untouched
       marks stop; iptables-save | grep -c LVS_PLAY; foreign | diff /run/before - && echo untouched`,
    );
    expect(output.replaceAll(/.*rules in force are others\n/g, '').split('\n').filter((line) => line !== '')).toEqual([
      'all is there', 'status 0',
      ':LVS_PLAY_NAT - [0:0]',
      '-A POSTROUTING -m comment --comment lvs-play -j LVS_PLAY_NAT',
      ...firewallRules(topologyOf(BOTH), 'lvs1', 4).nat.map(iptablesRule),
      'flushed 1', 'all is there', 'again 0', '2', 'all is there', 'changed 0', '0', '3', 'untouched', '0', 'untouched',
    ]);
  });
});
