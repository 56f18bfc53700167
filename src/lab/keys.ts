import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { mustRun } from './process.ts';
import type { LabPaths } from './state/paths.ts';
import { nodePaths } from './state/paths.ts';
import type { LabSpec } from './spec.ts';

/** `ssh-ed25519 AAAA...` of each node, by name: what its sshd must answer with. */
export type HostKeys = ReadonlyMap<string, string>;

/** Makes the lab's own key, a host key for each node, and the known_hosts file that names them all. */
export async function makeKeys(lab: LabPaths, spec: LabSpec): Promise<HostKeys> {
  await makeKey(lab.key, `lvs-play lab ${lab.name}`);
  const pairs = await Promise.all(
    spec.nodes.map(async (node) => {
      const { config } = nodePaths(lab, node.name);
      await copyFile(`${lab.key}.pub`, path.join(config, 'lab_authorized_keys'));
      return [node.name, await makeKey(path.join(config, 'ssh_host_ed25519_key'), node.name)] as const;
    }),
  );
  const keys = new Map(pairs);
  await writeFile(lab.knownHosts, knownHosts(spec, keys));
  return keys;
}

/** Pure: a line per node, by address and by name. */
export function knownHosts(spec: LabSpec, keys: HostKeys): string {
  return spec.nodes.map((node) => `${[...new Set([node.address, node.name])].join(',')} ${keys.get(node.name) ?? ''}\n`).join('');
}

/** The node names and keys of a known_hosts file that `knownHosts` wrote. */
export async function readHostKeys(lab: LabPaths, spec: LabSpec): Promise<HostKeys> {
  const lines = (await readFile(lab.knownHosts, 'utf8')).split('\n');
  const byAddress = new Map(lines.map((line) => [line.split(/[ ,]/)[0] ?? '', line.slice(line.indexOf(' ') + 1)]));
  return new Map(spec.nodes.map((node) => [node.name, byAddress.get(node.address) ?? '']));
}

async function makeKey(file: string, comment: string): Promise<string> {
  await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file]);
  const [type = '', key = ''] = (await readFile(`${file}.pub`, 'utf8')).split(' ');
  return `${type} ${key.trim()}`;
}
