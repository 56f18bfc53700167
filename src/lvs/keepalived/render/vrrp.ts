import { cidrOf, type HaPair, type NotifyScripts, type PairMember, type SyncGroup, type Topology, type VirtualAddress } from '../../model/topology.ts';
import { type Block, flag, option, section } from './block.ts';
import { commandAndUser, word, words } from './text.ts';
import { trackBlocks } from './trackers.ts';

/** A sync group and what it tracks on one director. */
export function syncGroupBlock(group: SyncGroup, director: string, topology: Topology): Block {
  const own = [...topology.pairs.values()].filter(({ name }) => group.pairs.includes(name)).flatMap((pair) => pair.members.filter(({ host }) => host === director).map((member) => member.interface));
  return [
    {
      head: `vrrp_sync_group ${group.name}`,
      body: [...section('group', group.pairs), ...trackBlocks(group.track, topology, true, own), ...notifyLines(group.notify)],
    },
  ];
}

/** One director's side of a pair. */
export function instanceBlock(pair: HaPair, director: string, topology: Topology): Block {
  const member = pair.members.find(({ host }) => host === director);
  return member === undefined ? [] : [{ head: `vrrp_instance ${pair.name}`, body: instance(pair, member, topology) }];
}

function instance(pair: HaPair, member: PairMember, topology: Topology): Block {
  const group = [...topology.syncGroups.values()].find(({ pairs }) => pairs.includes(pair.name));
  // keepalived clears nopreempt and preempt_delay on an instance whose initial state is MASTER.
  const master = pair.preempt && pair.preemptDelay === 0 && pair.members[0]?.host === member.host;
  const place = ({ interface: name }: VirtualAddress): string => {
    // With a virtual MAC an address without an interface goes to the virtual one.
    const where = name ?? (pair.vmac === undefined ? member.interface : undefined);
    return where === undefined ? '' : ` dev ${where}`;
  };
  const addresses = (vips: readonly VirtualAddress[]): string[] => vips.map((vip) => `${cidrOf(vip)}${place(vip)}`);
  return [
    `state ${master ? 'MASTER' : 'BACKUP'}`,
    ...flag('nopreempt', !pair.preempt),
    ...option('preempt_delay', pair.preempt && pair.preemptDelay > 0 ? pair.preemptDelay : undefined),
    `interface ${member.interface}`,
    ...option('version', pair.version === 2 ? undefined : pair.version),
    `virtual_router_id ${String(pair.virtualRouterId)}`,
    `priority ${String(member.priority)}`,
    `advert_int ${String(pair.advertInt)}`,
    ...vmac(pair),
    ...unicast(pair, member),
    ...option('garp_master_delay', pair.garp.delay),
    ...option('garp_master_repeat', pair.garp.repeat),
    ...option('garp_master_refresh', pair.garp.refresh),
    ...option('garp_master_refresh_repeat', pair.garp.refreshRepeat),
    ...option('garp_lower_prio_repeat', pair.garp.lowerPriorityRepeat),
    ...(pair.authPass === undefined ? [] : [{ head: 'authentication', body: ['auth_type PASS', `auth_pass ${word(pair.authPass)}`] }]),
    { head: 'virtual_ipaddress', body: addresses(pair.vips) },
    ...section('virtual_ipaddress_excluded', addresses(pair.excludedVips)),
    ...section('virtual_routes', pair.routes.map(words)),
    ...section('virtual_rules', pair.rules.map(words)),
    ...trackBlocks(pair.track, topology, group !== undefined, [member.interface, ...(group?.track.interfaces ?? []).map(({ name }) => name)]),
    ...notifyLines(pair.notify),
  ];
}

function vmac(pair: HaPair): Block {
  if (pair.vmac === undefined) return [];
  // Unicast adverts cannot leave from a virtual MAC: keepalived would set it itself and call it an error.
  return [pair.vmac.interface === undefined ? 'use_vmac' : `use_vmac ${pair.vmac.interface}`, ...flag('vmac_xmit_base', pair.vmac.advertsFromBase || pair.unicast)];
}

function unicast(pair: HaPair, member: PairMember): Block {
  if (!pair.unicast) return [];
  return [`unicast_src_ip ${member.address}`, { head: 'unicast_peer', body: pair.members.filter(({ host }) => host !== member.host).map(({ address }) => address) }];
}

function notifyLines(notify: NotifyScripts): Block {
  const line = (keyword: string, script: NotifyScripts['any']): readonly string[] => (script === undefined ? [] : [`${keyword} ${commandAndUser(script)}`]);
  return [
    ...line('notify_master', notify.master),
    ...line('notify_backup', notify.backup),
    ...line('notify_fault', notify.fault),
    ...line('notify_stop', notify.stop),
    ...line('notify', notify.any),
  ];
}
