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
