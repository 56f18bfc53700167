import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evidenceText } from '../../../../src/evidence/evidence.ts';
import { evidence } from '../../evidence/support.ts';
import { BuiltTool, folder } from '../support.ts';

let tool: BuiltTool;
beforeAll(async () => {
  tool = await BuiltTool.build();
});
afterAll(() => tool.remove());

/** A cluster that nobody reaches. */
const HOSTS = `all:
  hosts: { lvs1: { ansible_host: 127.0.0.1, ansible_port: 1, lvs_address: 192.0.2.1 }, rs1: { ansible_host: 127.0.0.1, ansible_port: 1, lvs_address: 192.0.2.2 } }
  vars:
    lvs:
      virtual_services:
        web: { "on": lvs1, interface: eth0, address: 192.0.2.38:80, mode: dr, scheduler: rr, real_servers: { rs1: } }
`;

describe('verify --check-evidence', () => {
  it('needs no inventory: 0 as it was written, 1 changed', async () => {
    const dir = await folder({ 'e.json': evidenceText(evidence(), (text) => text), 'other.json': '{}' });
    const file = path.join(dir, 'e.json');
    expect(await tool.run(['verify', '--check-evidence', file])).toMatchObject({ code: 0, stdout: expect.stringMatching(/ is intact: /) as string, stderr: '' });
    await writeFile(file, (await readFile(file, 'utf8')).replace('0 of 20', '20 of 20'));
    expect(await tool.run(['verify', '--check-evidence', file])).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/ was changed: /) as string });
    for (const name of ['other.json', 'nowhere.json']) expect((await tool.run(['verify', '--check-evidence', path.join(dir, name)])).code).toBe(1);
  });
});

describe('what contradicts itself is a wrong usage', () => {
  it.each<[readonly string[], RegExp]>([
    [['--json', '--junit', '-'], /both print a document/],
    [['--during'], /what to run is missing/],
    [['--during', 'true', '--', 'true'], /one command/],
    [['--', 'true'], /takes no operands/],
    [['--watch', '5s', '--during', 'true'], /cannot be used with/],
    [['--every', 'soon', '--during', 'true'], /It must be a time/],
    [['--from', 'rs1'], /rs1 is part of the cluster/],
    [['--check-evidence', 'x', '--watch'], /cannot be used with/],
  ])('%j', async (args, message) => {
    const dir = await folder({ 'hosts.yml': HOSTS });
    expect(await tool.run(['verify', '-i', path.join(dir, 'hosts.yml'), ...args])).toMatchObject({ code: 5, stderr: expect.stringMatching(message) as string });
  });
});

it('a cluster that cannot be reached before the command is no reason to start it', async () => {
  const dir = await folder({ 'hosts.yml': HOSTS });
  const mark = path.join(dir, 'mark');
  expect((await tool.run(['verify', '-i', path.join(dir, 'hosts.yml'), '--no-hosts', '--during', '--', 'touch', mark])).code).toBe(4);
  await expect(readFile(mark)).rejects.toThrow();
});
