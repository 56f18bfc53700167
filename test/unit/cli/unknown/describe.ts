import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runTool } from '../../../../src/cli/program.ts';
import type { Vantage } from '../../../../src/verify/types.ts';
import { CODES, FAILURES, FakeHosts, INVENTORY } from './hosts.ts';
import { type Case, KINDS, TABLE } from './table.ts';

const shared = vi.hoisted((): { hosts: unknown } => ({ hosts: undefined }));
vi.mock('../../../../src/transport/connect.ts', () => ({ createConnector: () => shared.hosts }));
// Clients are not what this is about: they see nothing from here.
vi.mock('../../../../src/verify/controller-vantage.ts', () => ({
  controllerVantage: (): Vantage => ({ name: 'controller', sources: () => Promise.resolve(new Map()), arp: () => Promise.resolve({ unseen: 'not looked at' }), requests: () => Promise.resolve({ unseen: 'not tried' }) }),
  requestOnce: () => Promise.resolve({ status: 0, bytes: 0, connected: false, fault: { kind: 'refused', text: 'refused' } }),
}));

const SITE = '- hosts: all\n  gather_facts: false\n  tasks: [{ name: Motd, copy: { dest: /etc/motd, content: "managed\\n" } }]\n';
const CHANGE = '- hosts: all\n  gather_facts: false\n  any_errors_fatal: true\n  tasks: [{ name: Issue, copy: { dest: /etc/issue.net, content: "{{ inventory_hostname }} {{ now | default(1) }}\\n" } }]\n';

/** Fails the first time. */
const FAILS = `- hosts: all
  gather_facts: false
  tasks:
    - file: { path: /etc/flag, state: absent }
    - shell: "[ -e /etc/flag ] || { echo >/etc/flag; exit 1; }"
`;

let hosts: FakeHosts;
let dir: string;
/** A run that every host has saved its state before; hosts forget the older ones as others follow. */
let run: string;
let runs = 0;
const cwd = process.cwd();
const state = process.env['XDG_STATE_HOME'];

interface Ended {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

/** Calls the tool in this process. @param endless it is interrupted once it has printed something */
async function tool(args: readonly string[], endless = false): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((chunk: string | Uint8Array) => {
      said[stream] += String(chunk);
      if (endless && stream === 'stdout' && String(chunk) !== '') setTimeout(() => process.emit('SIGINT'), 10);
      return true;
    }),
  );
  process.exitCode = undefined;
  try {
    return { code: await runTool(args), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = undefined;
  }
}

async function makeRun(): Promise<void> {
  hosts.heal();
  const changed = await tool(['deploy', 'change.yml', '-i', 'hosts.yml', '-b', '-e', `now=${String((runs += 1))}`]);
  expect(changed.code, changed.stdout + changed.stderr).toBe(0);
  run = (JSON.parse((await tool(['history', '--json'])).stdout) as { runs: { id: string }[] }).runs[0]?.id ?? '';
}

function argsOf({ args }: Pick<Case, 'args'>, json: boolean): string[] {
  const own = args.map((word) => (word === 'PLAN' ? 'saved.plan' : word === 'RUN' ? run : word));
  return [...own, ...(['apply', 'resume'].includes(own[0] ?? '') ? [] : ['-i', 'hosts.yml']), ...(json ? ['--json'] : [])];
}

/** Sentences that claim something, whoever it is about. */
const CLAIMS = [/\bno changes\b(?! on [1-9])/, /\bnone on 0\b/, /^planned: 0 changes on 0 hosts$/, /\bnobody\b/i, /\balready\b/, /is not drained/, /not failed over/, /nothing to (?:see to|give back|do)\b/, /holds no virtual IP/, /\bhealthy on every\b/, /\bis drained after\b/, /whole weight again/, /Every promise/];
const UNKNOWN = /unknown|did not answer|gave no usable answer/;

function requireHonest(text: string, missing: readonly string[]): void {
  const lines = text.split('\n');
  for (const line of lines) for (const claim of CLAIMS) if (claim.test(line) && !UNKNOWN.test(line)) throw new Error(`it claims: ${line}`);
  // Of a host that gave no answer nothing good is said.
  for (const host of missing) for (const line of lines) if (new RegExp(`^\\s*${host}\\b.*(?: : ok=[1-9]|holds|keepalived runs|\\bfree\\b)`).test(line) && !UNKNOWN.test(line)) throw new Error(`it says of ${host}: ${line}`);
}

/** The reasons, one line each; what failed alike on many hosts is told once on each stream. */
function requireOnce(text: string): void {
  const causes = text.split('\n').filter((line) => /refused the connection|connection refused|connection was lost|connection to \S+ was lost/.test(line));
  expect(causes.length, causes.join('\n')).toBeLessThanOrEqual(1);
}

/**
 * Every command of the table, with every kind of host failing in every way. It takes minutes, so two files share it.
 * @param half every second row of the table, from the first or from the second
 */
export function describeUnknown(half: 0 | 1): void {
  const own = Object.values(TABLE).flat().filter((_, index) => index % 2 === half);

  beforeAll(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-unknown-'));
    hosts = await FakeHosts.open(path.join(dir, 'hosts'));
    shared.hosts = hosts;
    process.env['XDG_STATE_HOME'] = path.join(dir, 'state');
    await mkdir(path.join(dir, 'work'));
    process.chdir(path.join(dir, 'work'));
    for (const [name, text] of Object.entries({ 'hosts.yml': INVENTORY, 'site.yml': SITE, 'change.yml': CHANGE, 'fails-once.yml': FAILS })) await writeFile(name, text);
    await makeRun();
    const planned = await tool(['plan', 'site.yml', '-i', 'hosts.yml', '-o', 'saved.plan']);
    expect([planned.code, planned.stdout]).toEqual([0, 'Plan: no changes\n']);
  });

  afterAll(async () => {
    process.chdir(cwd);
    process.env['XDG_STATE_HOME'] = state;
    await hosts.close();
    await rm(dir, { recursive: true, force: true });
  });

  let cases = 0;

  describe.each(own.map((one) => [one.args.join(' '), one] as const))('%s', (_name, one) => {
    const kinds = Object.entries(KINDS).map(([kind, failing]) => [kind, failing.filter((host) => one.looksAt.includes(host))] as const).filter(([kind, failing]) => failing.length > 0 && one.not?.includes(kind) !== true);
    // A connection that breaks is tried with every host only: it is as unreachable as one that refuses.
    const rows = kinds.flatMap(([kind, failing]) => FAILURES.filter((failure) => failure !== 'lost' || kind === 'every host').map((failure) => [kind, failure, failing] as const));

    beforeAll(() => (one.args.includes('RUN') ? makeRun() : undefined));

    it.each(rows)('%s: %s', { timeout: 120_000 }, async (kind, failure, failing) => {
      for (const json of one.textOnly === true ? [false] : [false, true]) {
        hosts.heal();
        if (one.before !== undefined) await tool([...one.before, '-i', 'hosts.yml', '-b']);
        hosts.fail(KINDS[kind] ?? [], failure);
        const { code, stdout, stderr } = await tool(argsOf(one, json), one.endless);
        const all = `${stdout}\n${stderr}`;
        expect(code, all).toBe(CODES[failure]);
        requireHonest(all, failing);
        for (const host of failing) expect(all).toMatch(new RegExp(`\\b${host}\\b`));
        if (json) {
          const document = JSON.parse(one.endless === true ? (stdout.split('\n')[0] ?? '') : stdout) as { unknown?: string[]; verdict?: unknown; ok?: unknown; empty?: unknown };
          expect([...(document.unknown ?? [])].sort(), all).toEqual([...failing].sort());
          if (one.finds !== true || kind === 'every host') for (const verdict of [document.verdict, document.ok, document.empty]) if (verdict !== undefined) expect(verdict, stdout).toBeNull();
        } else {
          expect(all).toMatch(/unknown|did not answer|gave no usable answer|unreachable: \[|failed: \[|lvs_director_up\{director="\w+"\} 0/);
          if (kind === 'every host' && (failure === 'unreachable' || failure === 'lost')) for (const stream of [stdout, stderr]) requireOnce(stream);
        }
        cases += 1;
      }
    });
  });

  it('covers them all', () => {
    console.info(`${String(cases)} cases: commands, kinds of host and failures, as text and as JSON`);
    expect(cases).toBeGreaterThan(400);
  });
}
