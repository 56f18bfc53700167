import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunKeeper } from '../../../src/apply/keeper.ts';
import { journalKeeper } from '../../../src/journal/keeper.ts';
import { readSteps, requireResults, resumedFrom, type StepLine } from '../../../src/journal/steps.ts';
import type { RunHeader } from '../../../src/journal/types.ts';
import { JournalWriter } from '../../../src/journal/write.ts';
import { runDeploy } from '../../../src/apply/run.ts';
import { Workshop } from '../apply/harness.ts';

/** A process that was killed: nothing of it runs any more. */
class Killed extends Error {}

/**
 * What is done twice shows in a file: every command adds a line to one. Files, a command whose result decides, a loop, handlers, a task for all that one does, variables,
 * two batches of two and one.
 */
const PLAYBOOK = `- name: first
  hosts: all
  gather_facts: false
  serial: [2, 1]
  tasks:
    - name: file
      copy: { content: "{{ inventory_hostname }}\\n", dest: "{{ dir }}/{{ inventory_hostname }}.conf" }
      notify: reload
    - name: ask
      command: sh -c 'echo asked >>{{ dir }}/{{ inventory_hostname }}.log; echo {{ inventory_hostname }}-answer'
      register: answer
    - name: remember
      set_fact: { remembered: "{{ answer.stdout }}" }
    - name: loop
      command: sh -c 'echo {{ item }} >>{{ dir }}/{{ inventory_hostname }}.log'
      loop: [one, two]
    - name: once
      command: sh -c 'echo once >>{{ dir }}/once.log'
      run_once: true
    - name: written
      copy: { content: "{{ remembered }} {{ answer.changed }}\\n", dest: "{{ dir }}/{{ inventory_hostname }}.out" }
      notify: [reload, second]
  handlers:
    - name: reload
      command: sh -c 'echo reload >>{{ dir }}/{{ inventory_hostname }}.log'
    - name: second
      copy: { content: "done\\n", dest: "{{ dir }}/{{ inventory_hostname }}.done" }
- name: last
  hosts: h1
  gather_facts: false
  tasks:
    - name: end
      command: sh -c 'echo end >>{{ dir }}/end.log'
`;

const HEADER: Omit<RunHeader, 'id'> = {
  version: 1, command: 'deploy', line: 'deploy', playbook: 'p', owner: 'me', reason: undefined, allowed: [], started: '', pid: 1, pidStarted: undefined, cwd: '/', tool: 't', inputs: [], planDigest: undefined, changing: [], of: undefined,
  options: { inventories: [], limit: [], tags: [], skipTags: [], startAtTask: undefined, forks: 1, user: undefined, become: false, becomeUser: undefined, privateKey: undefined, vaultPasswordFiles: [], extraVarFiles: [], extraVarsDigest: undefined },
};

describe('resume', () => {
  let shop: Workshop;
  let root: string;
  beforeEach(async () => {
    shop = await Workshop.open();
    root = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-journal-'));
  });
  afterEach(async () => {
    await shop.close();
    rmSync(root, { recursive: true, force: true });
  });

  /** A run that is killed when its journal was written `after` times, or `late`: when it is about to write once more, which is after the steps; hosts go one by one, so that this is the same point every time. @returns how often it was written */
  async function run(id: string, after: number, of: string | undefined, late = false): Promise<number> {
    const writer = new JournalWriter(root, { ...HEADER, id });
    let written = 0;
    const step = writer.step.bind(writer);
    writer.step = (line: StepLine) => {
      if (written >= after) throw new Killed();
      written++;
      step(line);
      // Killed right after a note: before the steps, or before the next task.
      if (written >= after && !late) throw new Killed();
    };
    const keeper: RunKeeper = journalKeeper(writer, (text) => shop.secrets.mask(text));
    const lines = of === undefined ? [] : await readSteps(root, of);
    if (of !== undefined) requireResults(of, lines);
    const input = { ...(await shop.input(PLAYBOOK)), forks: 1, ...(of === undefined ? {} : { resumed: resumedFrom(of, lines) }) };
    try {
      const result = await runDeploy(input, () => undefined, new AbortController().signal, { id, keepers: [keeper] });
      expect(result.errors).toEqual([]);
      expect(Object.values(result.recap).map(({ failed }) => failed)).toEqual([0, 0, 0]);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    } finally {
      writer.close();
    }
    return written;
  }

  /** All files that the playbook makes, with what is in them. */
  async function outcome(): Promise<Record<string, string>> {
    const names = (await readdir(shop.dir)).filter((name) => /\.(conf|log|out|done)$/.test(name)).sort();
    return Object.fromEntries(names.map((name) => [name, readFileSync(path.join(shop.dir, name), 'utf8')]));
  }

  async function clear(): Promise<void> {
    for (const name of await readdir(shop.dir)) rmSync(path.join(shop.dir, name), { force: true, recursive: true });
  }

  it('after a kill at every step boundary ends as an undisturbed run does', async () => {
    const boundaries = await run('whole', Number.POSITIVE_INFINITY, undefined);
    const whole = await outcome();
    expect(whole).toMatchObject({ 'h1.out': 'h1-answer true\n', 'h1.log': 'asked\none\ntwo\nreload\n', 'once.log': 'once\nonce\n', 'end.log': 'end\n', 'h3.done': 'done\n' });
    expect(boundaries).toBeGreaterThan(40);
    for (let after = 1; after < boundaries; after++) {
      await clear();
      await run(`killed-${String(after)}`, after, undefined);
      await run(`resumed-${String(after)}`, Number.POSITIVE_INFINITY, `killed-${String(after)}`);
      expect(await outcome(), `killed after entry ${String(after)}`).toEqual(whole);
    }
  }, 300_000);

  it('after a kill between steps and the note that they are done brings the same state; only what has none is done again', async () => {
    const boundaries = await run('whole', Number.POSITIVE_INFINITY, undefined);
    const whole = await outcome();
    const states = (files: Record<string, string>): string[] => Object.entries(files).filter(([name]) => !name.endsWith('.log')).map((entry) => entry.join(' '));
    for (let after = 1; after < boundaries; after++) {
      await clear();
      await run(`killed-${String(after)}`, after, undefined, true);
      await run(`resumed-${String(after)}`, Number.POSITIVE_INFINITY, `killed-${String(after)}`);
      const resumed = await outcome();
      expect(states(resumed), `killed before entry ${String(after + 1)}`).toEqual(states(whole));
      // At most the one in hand was done a second time, and nothing was left out.
      const lines = (files: Record<string, string>): string[] => Object.entries(files).flatMap(([name, text]) => (name.endsWith('.log') ? text.trim().split('\n').map((line) => `${name} ${line}`) : []));
      expect(new Set(lines(resumed))).toEqual(new Set(lines(whole)));
      expect(lines(resumed).length - lines(whole).length).toBeLessThanOrEqual(1);
    }
  }, 300_000);

  it('goes on with a run that went on with another', async () => {
    await run('a', 7, undefined);
    await run('b', 15, 'a');
    await run('c', Number.POSITIVE_INFINITY, 'b');
    const resumed = await outcome();
    await clear();
    await run('whole', Number.POSITIVE_INFINITY, undefined);
    expect(resumed).toEqual(await outcome());
  });

  it('calls handlers of a change that was made, but not noted any more', async () => {
    await run('whole', Number.POSITIVE_INFINITY, undefined);
    await clear();
    // The first entry says that the file is about to be written: it is, and nobody says so.
    await run('killed', 1, undefined);
    await shop.deploy(`- hosts: h1\n  gather_facts: false\n  tasks:\n    - copy: { content: "h1\\n", dest: "{{ dir }}/h1.conf" }\n`);
    await run('resumed', Number.POSITIVE_INFINITY, 'killed');
    expect(readFileSync(path.join(shop.dir, 'h1.log'), 'utf8')).toContain('reload');
  });
});

it('a result that holds a secret is not kept, and what needs it is said', () => {
  const line: StepLine = { step: 'finished', host: 'h', id: '0.t0', name: 'ask', status: 'changed', notifies: [], result: null };
  expect(() => {
    requireResults('r', [line]);
  }).toThrow('what "ask" registered on h holds a secret, and was not kept');
  requireResults('r', [{ ...line, status: 'failed' }]);
});
