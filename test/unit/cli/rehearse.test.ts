import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuiltTool, folder } from './support.ts';

let tool: BuiltTool;
beforeAll(async () => {
  tool = await BuiltTool.build();
});
afterAll(() => tool.remove());

const TEMPLATED = `all:
  hosts: { d1: { ansible_host: 10.0.0.1 }, d2: { ansible_host: 10.0.0.2 }, r1: { ansible_host: 10.0.0.3 }, r2: { ansible_host: 10.0.0.4 }, r3: { ansible_host: 10.0.0.5 } }
  vars:
    services: { web: { "on": p, address: "10.0.0.9:80", mode: dr, scheduler: rr, real_servers: { r1: , r2: , r3: } } }
    lvs:
      ha_pairs: { p: { members: { d1: { priority: 100 }, d2: { priority: 90 } }, interface: eth0, virtual_router_id: 1, vips: [10.0.0.9] } }
      virtual_services: "{{ services }}"
`;

describe('what a rehearsal refuses before it boots anything', () => {
  const cases: [name: string, args: string[], files: Record<string, string>, code: number, message: string][] = [
    ['no inventory', ['playbooks/site.yml'], {}, 5, 'no inventory: -i is missing'],
    ['a drill that is none', ['playbooks/site.yml', '-i', 'inventories/large', '--drill', 'link-cutt'], {}, 5, 'Did you mean link-cut?'],
    ['a playbook that is not there', ['nothing.yml', '-i', 'inventories/large'], {}, 1, 'nothing.yml'],
    ['too few nodes', ['playbooks/site.yml', '-i', 'inventories/large', '--nodes', '3'], {}, 1, '3 nodes are too few: the least that can be rehearsed is service web on edge1, edge2, web01, web02'],
    ['half a pair', ['playbooks/site.yml', '-i', 'inventories/large', '--hosts', 'edge1,web_servers'], {}, 5, 'edge1 without edge2 is no whole pair of directors'],
    ['an unknown host', ['playbooks/site.yml', '-i', 'inventories/large', '--hosts', 'edge9'], {}, 5, '--hosts: nothing is called edge9'],
    ['no cluster', ['playbooks/site.yml', '-i', '@/hosts.yml'], { 'hosts.yml': 'all: { hosts: { a: { ansible_host: 10.0.0.1 } } }\n' }, 1, 'lvs'],
    ['a lab of a lab', ['playbooks/site.yml', '-i', '@'], { '.lab.json': '{"name":"x","namespace":"lvsplay-x"}', 'hosts.yml': 'all:\n' }, 5, 'this inventory is a lab'],
    ['lvs that a template makes, where hosts would be left out', ['playbooks/site.yml', '-i', '@/hosts.yml', '--nodes', '4'], { 'hosts.yml': TEMPLATED }, 1, 'the inventory cannot be sampled'],
    ['a lab that is not up', ['playbooks/site.yml', '-i', 'inventories/large', '--lab', 'nobody-has-this'], {}, 5, 'no lab named nobody-has-this is up'],
  ];
  it.each(cases)('%s', async (_, args, files, code, message) => {
    const dir = await folder(files);
    const state = path.join(dir, 'state');
    const ended = await tool.run(['rehearse', ...args.map((arg) => arg.replace('@', dir))], { env: { XDG_STATE_HOME: state } });
    expect(ended.stderr).toContain(message);
    expect(ended.code).toBe(code);
    expect(ended.stdout).toBe('');
    // Nothing stays behind.
    const left = (await readdir(state, { recursive: true }).catch(() => [])).filter((name) => !/^lvs-play(?:\/rehearsals(?:\/[^/]+)?|\/labs)?$/.test(name));
    expect(left).toEqual([]);
  });
});
