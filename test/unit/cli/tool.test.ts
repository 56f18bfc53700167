import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuiltTool, folder } from './support.ts';

/** Two hosts that are this machine, and one where nobody answers. */
const HOSTS = `all:
  hosts:
    h1: { ansible_connection: local, api_password: hunter22 }
    h2: { ansible_connection: local }
  children:
    gone: { hosts: { h3: { ansible_host: 127.0.0.1, ansible_port: 1 } } }
`;
const SITE = `- name: Files
  hosts: all:!gone
  gather_facts: false
  tasks:
    - name: Write a file
      copy: { dest: "{{ dir }}/{{ inventory_hostname }}", content: "one\\ntwo\\n" }
      notify: tell
      tags: files
    - name: Say something
      debug: { msg: "on {{ inventory_hostname }}" }
  handlers:
    - name: tell
      command: "true"
`;

let tool: BuiltTool;
beforeAll(async () => {
  tool = await BuiltTool.build();
});
afterAll(() => tool.remove());

async function site(files: Readonly<Record<string, string>> = {}): Promise<{ dir: string; run: (...args: string[]) => ReturnType<BuiltTool['run']> }> {
  const dir = await folder({ 'hosts.yml': HOSTS, 'site.yml': SITE, ...files });
  return { dir, run: (...args) => tool.run([...args, '-i', 'hosts.yml', '-e', `dir=${dir}`], { cwd: dir }) };
}

describe('plan and deploy', () => {
  it('foretell the changes, make them, and make them once', async () => {
    const { dir, run } = await site();
    const plan = await run('plan', 'site.yml', '--detailed-exitcode');
    expect(plan.code, plan.stderr).toBe(2);
    expect(plan.stdout).toContain('+two');
    expect(plan.stdout).toContain('Plan: 4 changes on 2 hosts');
    await expect(readFile(path.join(dir, 'h1'))).rejects.toThrow();

    const deploy = await run('deploy', 'site.yml', '--json');
    expect(deploy.code, deploy.stderr).toBe(0);
    const document = JSON.parse(deploy.stdout) as { tasks: { changes: unknown[] }[]; recap: Record<string, unknown> };
    expect(document.recap['h1']).toMatchObject({ changed: 2, failed: 0 });
    expect(deploy.stderr).toContain('changed: [h2] Write a file');
    expect(await readFile(path.join(dir, 'h2'), 'utf8')).toBe('one\ntwo\n');

    const again = await run('deploy', 'site.yml', '--stats');
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/^\nPLAY RECAP\nh1 : ok=2 {4}changed=0 /);
    expect(again.stdout).toMatch(/HOST {2}CONNECTIONS/);
    expect((await run('plan', 'site.yml', '--detailed-exitcode')).code).toBe(0);
  });

  it('list the same changes under the same names', async () => {
    const { run } = await site();
    const changes = (text: string) =>
      (JSON.parse(text) as { tasks: { host: string; id: string; changes: { path: string }[] }[] }).tasks.flatMap((task) => task.changes.map((change) => `${task.host} ${task.id} ${change.path}`)).sort();
    const planned = changes((await run('plan', 'site.yml', '--json')).stdout);
    expect(planned).toHaveLength(4);
    expect(changes((await run('deploy', 'site.yml', '--json')).stdout)).toEqual(planned);
  });

  it('change nothing with --check, and show the difference with --diff', async () => {
    const { dir, run } = await site();
    const check = await run('deploy', 'site.yml', '-C', '-D');
    expect(check.stdout).toContain('+one');
    await expect(readFile(path.join(dir, 'h1'))).rejects.toThrow();
  });

  it('take the hosts, tags and the task to start at', async () => {
    const { run } = await site();
    expect((await run('plan', 'site.yml', '-l', 'h1', '-t', 'files')).stdout).toContain('changes on 1 host');
    expect((await run('plan', 'site.yml', '--skip-tags', 'files')).stdout).toBe('Plan: no changes\n');
    expect((await run('plan', 'site.yml', '--start-at-task', 'Say something')).stdout).toBe('Plan: no changes\n');
    expect((await run('plan', 'site.yml', '--start-at-task', 'Say nothing')).code).toBe(5);
  });

  it('list without asking anybody', async () => {
    const { run } = await site();
    expect((await run('deploy', 'site.yml', '--list-hosts')).stdout).toContain('hosts (2):\n      h1\n      h2\n');
    expect((await run('deploy', 'site.yml', '--list-tasks')).stdout).toContain('Write a file\tTAGS: [files]');
    expect((await run('deploy', 'site.yml', '--syntax-check')).stdout).toBe('\nplaybook: site.yml\n');
  });

  it('write events as lines of JSON, to a file or to stdout', async () => {
    const { dir, run } = await site();
    const ended = await run('deploy', 'site.yml', '--events', '-');
    const events = ended.stdout.trimEnd().split('\n').map((line) => (JSON.parse(line) as { type: string }).type);
    expect(events[0]).toBe('run-started');
    expect(events.at(-1)).toBe('run-finished');
    expect(ended.stderr).toContain('PLAY RECAP');
    await run('deploy', 'site.yml', '--events', 'log.ndjson');
    expect((await readFile(path.join(dir, 'log.ndjson'), 'utf8')).split('\n').length).toBeGreaterThan(5);
    expect((await run('deploy', 'site.yml', '--events', 'no/such/folder')).code).toBe(5);
  });
});

describe('exit codes', () => {
  it.each([
    ['a failed task', '- hosts: h1\n  tasks: [{command: "false"}]\n', 2, /failed: \[h1\] command/],
    ['an unreachable host', '- hosts: gone\n  tasks: [{command: id}]\n', 4, /unreachable: \[h3\]/],
    ['an undefined variable', '- hosts: h1\n  tasks: [{debug: {msg: "{{ nope }}"}}]\n', 1, /site.yml:2:25\n.*\n.*\n {2}hint: /],
    ['an unknown module', '- hosts: h1\n  tasks: [{debgu: }]\n', 1, /error: unknown module "debgu"\n {2}at site.yml:2:12/],
    ['bad YAML', '- hosts: [h1\n', 1, /site.yml:\d+:\d+/],
  ])('%s', async (_what, text, code, said) => {
    const { run } = await site({ 'site.yml': text });
    const ended = await run('deploy', 'site.yml');
    expect(ended.code, ended.stderr).toBe(code);
    expect(ended.stderr).toMatch(said);
  });

  it('tell mistakes of playbook and inventory together', async () => {
    const { run } = await site({ 'site.yml': '- hosts: h1\n  becom: true\n', 'hosts.yml': 'all:\n  hosts: [\n' });
    const ended = await run('deploy', 'site.yml');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/site.yml:2:3[^]*hosts.yml:/);
    expect(ended.stdout).toBe('');
  });

  it.each([
    [[], 5, /Usage: lvs-play/],
    [['deploy'], 5, /missing required argument 'playbook'/],
    [['deploi'], 5, /Did you mean deploy/],
    [['deploy', 'x', '--limitt', 'y'], 5, /Did you mean --limit/],
    [['deploy', 'site.yml'], 5, /-i is missing[^]*hint: /],
    [['module', 'cpoy'], 5, /did you mean "copy"/],
    [['inventory', '-i', 'hosts.yml', '--host', 'h9'], 5, /did you mean "h/],
    [['deploy', 'site.yml', '-i', 'hosts.yml', '-K'], 5, /no terminal/],
    [['--help'], 0, /^$/],
    [['deploy', '--help'], 0, /^$/],
    [['--version'], 0, /^$/],
  ])('%j: %d', async (args, code, said) => {
    const { dir } = await site();
    const ended = await tool.run(args, { cwd: dir, env: { LVS_PLAY_INVENTORY: '' } });
    expect(ended.code, ended.stderr).toBe(code);
    expect(ended.stderr).toMatch(said);
  });
});

describe('the tool', () => {
  it('finishes the step in hand at the first Ctrl-C, and ends at once at the second', async () => {
    const { dir } = await site({ 'site.yml': '- hosts: h1\n  tasks:\n    - {name: long, command: sleep 2}\n    - {name: next, command: "true"}\n' });
    const run = (times: number) => {
      let sent = 0;
      return tool.run(['deploy', 'site.yml', '-i', 'hosts.yml'], {
        cwd: dir,
        onStderr: (text, kill) => {
          if (sent === 0 && text.includes('PLAY [')) {
            sent = 1;
            // A moment later the task is under way.
            setTimeout(() => { kill('SIGINT'); }, 500);
          } else if (sent === 1 && times === 2 && text.includes('interrupted:')) {
            sent = 2;
            kill('SIGINT');
          }
        },
      });
    };
    const once = await run(1);
    expect(once.code, once.stderr).toBe(130);
    expect(once.stderr).toContain('changed: [h1] long');
    expect(once.stderr).not.toContain('[h1] next');
    expect(once.stdout).toContain('PLAY RECAP');
    const twice = await run(2);
    expect(twice.code).toBe(130);
    expect(twice.stdout).not.toContain('PLAY RECAP');
  });

  it('shows no password of the inventory', async () => {
    const { run } = await site();
    const ended = await run('inventory', '--list');
    expect(ended.stdout).toContain('api_password');
    expect(ended.stdout).not.toContain('hunter22');
  });

  it('opens vaulted variables with the password of a file', async () => {
    const { dir, run } = await site({ 'pw': 'sesame\n' });
    const { Vault } = await import('ansible-vault');
    await writeFile(path.join(dir, 'secret.yml'), await new Vault({ password: 'sesame' }).encrypt('token: abcdefgh\n', ''));
    const good = await run('inventory', '--host', 'h1', '-e', '@secret.yml', '--vault-password-file', 'pw');
    expect(good.code, good.stderr).toBe(0);
    expect(good.stdout).toContain('"token": "********"');
    const bad = await run('inventory', '--host', 'h1', '-e', '@secret.yml');
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain('--vault-password-file');
  });

  it('describes its modules', async () => {
    expect((await tool.run(['module'])).stdout).toMatch(/^copy +\S/m);
    expect((await tool.run(['module', 'ansible.builtin.copy'])).stdout).toContain('EXAMPLES');
    expect(JSON.parse((await tool.run(['modules', '--json'])).stdout)).toContainEqual(expect.objectContaining({ name: 'copy' }));
  });
});

describe('lint', () => {
  const LVS = `    lvs:
      ha_pairs:
        edge: { members: { lvs1: { priority: 100 }, lvs2: { priority: 90 } }, interface: eth0, virtual_router_id: 77, vips: [192.0.2.8] }
      virtual_services:
        web: { on: edge, address: "192.0.2.8:80", mode: dr, scheduler: sh, health_check: { type: http }, real_servers: { rs1: {}, rs2: {} } }
`;
  const CLUSTER = `all:
  hosts: { lvs1: { ansible_host: 192.0.2.1 }, lvs2: { ansible_host: 192.0.2.2 }, rs1: { ansible_host: 192.0.2.11 }, rs2: { ansible_host: 192.0.2.12 } }
  vars:
    db_password: hunter22
${LVS}`;
  const RESET = `- hosts: lvs_directors
  tasks:
    - shell: ipvsadm -C; mysql -p{{ db_password }}
      changed_when: true
      no_log: true
`;

  it('finds things in the inventory and in playbooks, each at its place', async () => {
    const { run } = await site({ 'hosts.yml': CLUSTER, 'reset.yml': RESET });
    const found = await run('lint', 'reset.yml', '--json');
    expect(found.code, found.stderr).toBe(1);
    const { findings } = JSON.parse(found.stdout) as { findings: { rule: string; position: { file: string; line: number; column: number } }[] };
    expect(findings.map(({ rule, position }) => `${rule} ${position.file}:${String(position.line)}:${String(position.column)}`)).toEqual(['no-garp-refresh hosts.yml:7:9', 'hash-without-fallback hosts.yml:9:72', 'flush-ipvs reset.yml:3:14', 'secret-in-command reset.yml:3:14']);
    expect(found.stdout).not.toContain('hunter22');
  });

  it('without playbooks looks at the inventory alone; warnings fail it with --strict', async () => {
    const { run } = await site({ 'hosts.yml': CLUSTER });
    expect((await run('lint')).code).toBe(0);
    const strict = await run('lint', '--strict');
    expect(strict.code).toBe(1);
    expect(strict.stdout).toContain('hosts.yml:9:72: warning: web has scheduler sh without sh-fallback [hash-without-fallback]');
  });

  it('shows mistakes of the model and of playbooks together, and explains them', async () => {
    const { run } = await site({ 'hosts.yml': CLUSTER.replace('77', '777'), 'reset.yml': RESET.replace('shell:', 'shel:'), 'batches.yml': '- hosts: all\n  serial: many\n  tasks: []\n' });
    const batches = await run('lint', 'batches.yml');
    expect([batches.code, batches.stdout]).toEqual([1, expect.stringMatching(/^batches\.yml:\d:\d+: error: .*many/m)]);
    const found = await run('lint', 'reset.yml');
    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(/^hosts\.yml:7:\d+: error: .* \[vrid-range\]$/m);
    expect(found.stdout).toMatch(/^reset\.yml:3:7: error: .* \[unknown-module\]$/m);
    expect((await run('lint', '--explain', 'vrid-range')).stdout).toMatch(/^vrid-range \(error\): .*[^]*virtual_router_id: 999/);
    expect((await run('lint', '--explain', 'vrid-rang')).stderr).toContain('did you mean vrid-range?');
    const sarif = JSON.parse((await run('lint', 'reset.yml', '--format', 'sarif')).stdout) as { runs: { tool: { driver: { rules: { id: string; fullDescription?: unknown }[] } } }[] };
    expect(sarif.runs[0]?.tool.driver.rules.find(({ id }) => id === 'vrid-range')?.fullDescription).toBeDefined();
  });
});
