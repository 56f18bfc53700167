import type { Json, JsonObject } from '../../core/json.ts';
import type { ConfNode } from '../../lvs/keepalived/conf/tree.ts';
import type { KeepalivedImport, KeepalivedMark, KeepalivedMember, Note } from '../types.ts';
import { Block } from './block.ts';
import { withoutFlags } from './drain-flags.ts';
import { readInstance, type InstanceRead } from './instance.ts';
import { readSyncGroup } from './sync-group.ts';
import { readBfd, readTrackFile, readTrackProcess, readTrackScript } from './trackers.ts';
import { readServer } from './virtual-server.ts';

/** A director's keepalived.conf, its includes and variables resolved, in the shape of the variable `lvs`; see KeepalivedImport. Pure. */
export function importKeepalived(whole: readonly ConfNode[]): KeepalivedImport {
  const notes: Note[] = [];
  const { nodes, flags } = withoutFlags(whole);
  const root = new Block(nodes, 'the file', notes);
  for (const node of flags) root.understood(node, 'drains by flag files');
  const globals = readGlobals(root.all('global_defs', 'global_definitions'), notes);
  const sections: Record<string, Record<string, Json>> = {};
  const put = (section: string, name: string | undefined, value: JsonObject): void => {
    sections[section] = { ...sections[section], [name ?? '']: value };
  };
  for (const node of root.all('vrrp_script')) put('track_scripts', node.words[1], readTrackScript(node, notes));
  for (const node of root.all('vrrp_track_file', 'track_file')) put('track_files', node.words[1], readTrackFile(node, notes));
  for (const node of root.all('vrrp_track_process')) put('track_processes', node.words[1], readTrackProcess(node, notes));
  for (const node of root.all('bfd_instance')) put('bfd', node.words[1], readBfd(node, notes));
  for (const node of root.all('vrrp_sync_group')) put('sync_groups', node.words[1], readSyncGroup(node, globals.user, notes));
  const marks = new Map<string, KeepalivedMark>();
  const members = new Map<string, KeepalivedMember>();
  const instances: InstanceRead[] = [];
  for (const node of root.all('vrrp_instance')) {
    const read = readInstance(node, globals.user, notes);
    instances.push(read);
    members.set(read.name, read.member);
    const sync = globals.sync.get(read.name);
    put('ha_pairs', read.name, { ...read.pair, ...(sync === undefined ? {} : { connection_sync: sync }) });
  }
  const groups = new Map(root.all('virtual_server_group').map((node) => [node.words[1] ?? '', node]));
  for (const node of root.all('virtual_server')) {
    for (const { name, service, mark } of readServer(node, { groups, instances, user: globals.user, taken: Object.keys(sections['virtual_services'] ?? {}) }, notes)) {
      put('virtual_services', name, service);
      if (mark !== undefined) marks.set(name, mark);
    }
  }
  root.end();
  return { lvs: { ...(globals.user === undefined ? {} : { script_user: globals.user }), ...(globals.timeouts === undefined ? {} : { ipvs: { timeouts: globals.timeouts } }), ...(flags.length === 0 ? {} : { drain: { method: 'flag' } }), ...sections }, members, marks, notes };
}

interface Globals {
  readonly user: string | undefined;
  readonly timeouts: JsonObject | undefined;
  /** Instance -> its synchronisation daemon. */
  readonly sync: ReadonlyMap<string, JsonObject>;
}

/** Options that lvs-play writes of itself where they are of use. */
const OURS = ['router_id', 'enable_script_security', 'reload_check_config'];

function readGlobals(nodes: readonly ConfNode[], notes: Note[]): Globals {
  const block = new Block(nodes.flatMap(({ body }) => body ?? []), 'global_defs', notes);
  for (const node of block.all(...OURS)) block.changed(node, 'lvs-play writes it of itself, router_id with the name of the inventory');
  const user = block.text('script_user')?.split(' ')[0];
  const times = block.node('lvs_timeouts');
  const after = (words: readonly string[], name: string): string | undefined => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
  const [tcp, fin, udp] = ['tcp', 'tcpfin', 'udp'].map((name) => Number(after(times?.words ?? [], name)));
  const whole = [tcp, fin, udp].every((number) => number !== undefined && number > 0);
  if (times !== undefined && !whole) block.unread(times, 'the model sets all three time-outs or none');
  const sync = new Map<string, JsonObject>();
  for (const node of block.all('lvs_sync_daemon')) {
    const [, name = '', instance = '', ...words] = node.words;
    const number = (word: string): number | undefined => (after(words, word) === undefined ? undefined : Number(after(words, word)));
    const id = number('id') ?? (/^\d+$/.test(words[0] ?? '') ? Number(words[0]) : undefined);
    const options = { sync_id: id, port: number('port'), ttl: number('ttl'), maxlen: number('maxlen'), group: after(words, 'group') };
    sync.set(instance, Object.fromEntries(Object.entries({ interface: name, ...options }).filter((entry): entry is [string, string | number] => entry[1] !== undefined)));
    block.understood(node, `connection_sync of ${instance}`);
  }
  block.end();
  return { user, timeouts: times !== undefined && whole ? { tcp: tcp ?? 0, tcp_fin: fin ?? 0, udp: udp ?? 0 } : undefined, sync };
}
