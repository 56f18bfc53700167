import type { Json, JsonObject } from '../../core/json.ts';
import type { ConfNode } from '../../lvs/keepalived/conf/tree.ts';
import { parsePrefixed } from '../../lvs/model/ip.ts';
import type { KeepalivedMember, Note } from '../types.ts';
import { Block } from './block.ts';
import { given, notifyOf, trackOf } from './values.ts';

export interface InstanceRead {
  readonly name: string;
  /** An entry of `ha_pairs` without members. */
  readonly pair: JsonObject;
  readonly member: KeepalivedMember;
  /** Addresses that it holds, without prefix. */
  readonly addresses: readonly string[];
}

/** `vrrp_instance`. */
export function readInstance(node: ConfNode, user: string | undefined, notes: Note[]): InstanceRead {
  const block = new Block(node.body ?? [], node.text, notes);
  const name = (node.words[1] ?? '').replaceAll(/[^A-Za-z0-9_.-]/g, '_');
  if (name !== node.words[1]) block.changed(node, `the pair is called ${name}`);
  const written = block.text('interface') ?? '';
  const vmac = readVmac(block);
  const vips = readAddresses(block, 'virtual_ipaddress', vmac === undefined ? written : undefined);
  const excluded = readAddresses(block, 'virtual_ipaddress_excluded', vmac === undefined ? written : undefined);
  const state = block.node('state');
  if (state !== undefined) block.changed(state, 'the member of the highest priority begins as MASTER');
  const version = block.number('version');
  const source = block.text('unicast_src_ip', 'mcast_src_ip');
  const peers = block.all('unicast_peer').flatMap(({ body }) => (body ?? []).flatMap(({ words: [address = ''] }) => address));
  const priority = block.number('priority') ?? 100;
  const pair = given({
    interface: written,
    virtual_router_id: block.number('virtual_router_id'),
    vips: vips.values,
    excluded_vips: excluded.values.length === 0 ? undefined : excluded.values,
    version: version === 3 ? 3 : undefined,
    advert_int: block.number('advert_int') ?? 1,
    auth_pass: readPassword(block),
    preempt: block.flag('nopreempt') ? false : undefined,
    preempt_delay: block.number('preempt_delay'),
    unicast: peers.length > 0 ? true : undefined,
    vmac,
    garp: readGarp(block),
    track: trackOf(block),
    notify: notifyOf(block, user),
    routes: readLines(block, 'virtual_routes'),
    rules: readLines(block, 'virtual_rules'),
  });
  block.end();
  const stated = state?.words[1];
  return { name, pair, member: { priority, interface: written, address: source, peers, state: stated === 'MASTER' || stated === 'BACKUP' ? stated : undefined }, addresses: [...vips.addresses, ...excluded.addresses] };
}

function readAddresses(block: Block, keyword: string, own: string | undefined): { values: Json[]; addresses: string[] } {
  const values: Json[] = [];
  const addresses: string[] = [];
  for (const node of block.all(keyword).flatMap(({ body }) => body ?? [])) {
    const [text = '', ...rest] = node.words;
    const ip = parsePrefixed(text);
    if (ip === undefined) {
      block.unread(node, 'it is no address');
      continue;
    }
    const dev = rest.includes('dev') ? rest[rest.indexOf('dev') + 1] : undefined;
    const others = rest.filter((word, i) => word !== 'dev' && rest[i - 1] !== 'dev');
    if (others.length > 0) block.changed(node, `left out, as the model has no use for it: ${others.join(' ')}`);
    else block.understood(node, 'a virtual address');
    const short = ip.prefix === (ip.family === 4 ? 32 : 128) ? ip.address : `${ip.address}/${String(ip.prefix)}`;
    values.push(dev === undefined || dev === own ? short : { address: short, interface: dev });
    addresses.push(ip.address);
  }
  return { values, addresses };
}

function readPassword(block: Block): string | undefined {
  const inner = block.block('authentication');
  if (inner === undefined) return undefined;
  const type = inner.node('auth_type');
  const pass = inner.node('auth_pass');
  if (type?.words[1] === 'AH') inner.changed(type, 'the model has PASS only; neither hides anything, and VRRPv3 has none');
  inner.end();
  const text = pass?.words[1];
  if (pass !== undefined && text !== undefined) inner.understood(pass, 'the password of the pair');
  // VRRP uses the first 8 characters (RFC 2338).
  if (pass !== undefined && text !== undefined && text.length > 8) inner.bug(pass, 'auth-pass-too-long', 'only the first 8 characters count: the rest is left out');
  return text?.slice(0, 8);
}

function readVmac(block: Block): Json | undefined {
  const node = block.node('use_vmac');
  const base = block.flag('vmac_xmit_base');
  if (node === undefined) return undefined;
  const name = node.words[1];
  return name === undefined && !base ? true : given({ interface: name, adverts_from_base: base ? true : undefined });
}

function readGarp(block: Block): JsonObject | undefined {
  const garp = given({
    delay: block.number('garp_master_delay'),
    repeat: block.number('garp_master_repeat'),
    refresh: block.number('garp_master_refresh'),
    refresh_repeat: block.number('garp_master_refresh_repeat'),
    lower_priority_repeat: block.number('garp_lower_prio_repeat'),
  });
  return Object.keys(garp).length === 0 ? undefined : garp;
}

function readLines(block: Block, keyword: string): string[] | undefined {
  const lines = block.all(keyword).flatMap(({ body }) => (body ?? []).map(({ words }) => words.join(' ')));
  return lines.length === 0 ? undefined : lines;
}
