import { Document, isMap, isScalar, type Pair, type Scalar } from 'yaml';
import type { JsonObject } from '../core/json.ts';
import type { Draft, DraftHost } from './cluster/draft.ts';

/** The draft as an inventory in YAML, for our own loader and for ansible-inventory. @param sources what it was made from, for the head */
export function inventoryText(draft: Draft, sources: readonly string[]): string {
  const group = (name: NonNullable<DraftHost['group']>): JsonObject => {
    const hosts = draft.hosts.filter((host) => host.group === name);
    return hosts.length === 0 ? {} : { [name]: { hosts: Object.fromEntries(hosts.map((host) => [host.name, { ansible_host: host.address }])) } };
  };
  const loose = draft.hosts.filter((host) => host.group === undefined);
  const children = { ...group('directors'), ...group('real_servers') };
  // YAML 1.1, Ansible's: a bare `on` or `no` would be a boolean there.
  const document = new Document(
    {
      all: {
        ...(loose.length === 0 ? {} : { hosts: Object.fromEntries(loose.map((host) => [host.name, { ansible_host: host.address }])) }),
        ...(Object.keys(children).length === 0 ? {} : { children }),
        vars: { ...draft.variables, lvs: draft.lvs },
      },
    },
    { version: '1.1', aliasDuplicateObjects: false },
  );
  document.commentBefore = ` Made by lvs-play import from ${sources.join(', ').replaceAll(/[\n\r]/g, ' ')}.\n Its report tells what was changed and what is missing.`;
  for (const host of draft.hosts) {
    if (host.comment !== undefined && host.group !== undefined) remark(document, ['all', 'children', host.group, 'hosts', host.name], host.comment);
  }
  for (const [path, text] of draft.comments) remark(document, ['all', 'vars', 'lvs', ...path.split('/')], text);
  compact(document, ['all', 'vars', 'lvs']);
  return document.toString({ lineWidth: 160, flowCollectionPadding: true });
}

/** A line above a key. */
function remark(document: Document, path: readonly string[], text: string): void {
  const parent = document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return;
  const pair = parent.items.find((item): item is Pair<Scalar> => isScalar(item.key) && item.key.value === path.at(-1));
  if (pair !== undefined) pair.key.commentBefore = ` ${text}`;
}

/** Small mappings on one line: `rs1: { weight: 1 }`. */
function compact(document: Document, path: readonly string[]): void {
  const shorten = (node: unknown, depth: number): void => {
    if (!isMap(node)) return;
    for (const { value } of node.items) shorten(value, depth + 1);
    const simple = node.items.every((item) => isScalar(item.value) && !(isScalar(item.key) && item.key.commentBefore !== undefined && item.key.commentBefore !== null));
    if (depth > 2 && simple && JSON.stringify(node.toJSON()).length < 100) node.flow = true;
  };
  shorten(document.getIn(path, true), 0);
  const hosts = document.getIn(['all', 'children'], true);
  shorten(hosts, 0);
}
