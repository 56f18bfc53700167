import { readFile } from 'node:fs/promises';

/** An example with a third real server, everywhere where the second one is. @throws Error when it is written otherwise */
export async function threeServers(file: string, ...edits: readonly (readonly [string, string])[]): Promise<string> {
  const text = await readFile(file, 'utf8');
  const [host, network] = /rs2: \{ ansible_host: (\d+\.\d+\.\d+)\.28 \}/.exec(text) ?? [];
  if (host === undefined || network === undefined) throw new Error(`${file} has no rs2`);
  const third = text
    .replace(host, `${host}\n        rs3: { ansible_host: ${network}.29 }`)
    .replaceAll(/^( +)rs2: (\{ (?:weight|port).*\})$/gm, (line, indent: string, what: string) => `${line}\n${indent}rs3: ${what}`)
    .replaceAll(/rs2: \}/g, 'rs2: , rs3: }');
  for (const [from] of edits) if (!third.includes(from)) throw new Error(`${file} has no ${from}`);
  return edits.reduce((result, [from, to]) => result.replace(from, to), third);
}

/** The example pair with three real servers of weight 8, so that there are steps in between, and health checks that notice soon. */
export async function weightyServers(...edits: readonly (readonly [string, string])[]): Promise<string> {
  const quick = [['check_interval: 6', 'check_interval: 2'], ['retry: 3, delay_before_retry: 3', 'retry: 1, delay_before_retry: 1']] as const;
  return (await threeServers('inventories/dr-keepalived-pair/hosts.yml', ...quick, ...edits)).replaceAll('{ weight: 1 }', '{ weight: 8 }');
}

export const SERVERS = ['rs1', 'rs2', 'rs3'];

/** A playbook for work on real servers. @param tasks in YAML's flow style, each a list entry */
export function workOn(...tasks: readonly string[]): string {
  return `- hosts: real_servers\n  become: true\n  gather_facts: false\n  tasks:\n${tasks.map((task) => `    - ${task}\n`).join('')}`;
}

/** Work that keeps the service away. @param between what is done meanwhile */
export function serviceAway(...between: readonly string[]): string {
  return workOn('service: { name: nginx, state: stopped }', ...between, 'service: { name: nginx, state: started }');
}
