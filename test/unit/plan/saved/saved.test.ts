import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LvsPlayError } from '../../../../src/core/errors.ts';
import type { Json } from '../../../../src/core/json.ts';
import { SecretMask } from '../../../../src/core/secrets.ts';
import type { FactDef } from '../../../../src/facts/contract.ts';
import { contentFact, contentOf } from '../../../../src/facts/files/content.ts';
import { fileFact } from '../../../../src/facts/files/file.ts';
import { balanceFact } from '../../../../src/facts/network/balance.ts';
import { sysctlFact } from '../../../../src/facts/system/sysctl.ts';
import { unitFact } from '../../../../src/facts/system/unit.ts';
import type { Change } from '../../../../src/modules/contract.ts';
import { changedInputs, changedState, changedTasks, sameChanges, untimely } from '../../../../src/plan/saved/compare.ts';
import { appliedBy, noteApplied, parseSavedPlan, readSavedPlan, savedPlanText, writeSavedPlan } from '../../../../src/plan/saved/file.ts';
import { Fingerprints } from '../../../../src/plan/saved/fingerprint.ts';
import { makeSavedPlan, type PlanSource, shownPlan } from '../../../../src/plan/saved/make.ts';
import type { HostAnswer } from '../../../../src/plan/sessions.ts';
import type { Plan, PlannedTask } from '../../../../src/plan/types.ts';
import { viewChange } from '../../../../src/plan/view.ts';

const NOW = new Date('2026-11-23T20:00:00Z');

function answer(host: string, fact: FactDef<never>, key: string, value: Json): HostAnswer {
  return { host, user: 'root', become: false, fact, key, value };
}

function row(host: string, id: string, changes: PlannedTask['changes'], more: Partial<PlannedTask> = {}): PlannedTask {
  return { host, task: { id, play: 'play', name: `task ${id}`, module: 'copy', handler: false }, status: 'change', changes, predicted: false, notifies: [], ...more };
}

function planOf(tasks: readonly PlannedTask[] = []): Plan {
  return { version: 1, createdAt: NOW.toISOString(), playbook: 'site.yml', inventory: 'hosts.yml', plays: [{ name: 'play', batches: [['lvs1'], ['lvs2']], tasks }], unreachable: {}, failed: {} };
}

function source(more: Partial<Omit<PlanSource, 'prepared'>> & { answers?: readonly HostAnswer[]; plan?: Plan } = {}): PlanSource {
  const { answers = [], plan = planOf(), ...rest } = more;
  return {
    prepared: { plan, answers, outlines: new Map() },
    inputs: [{ path: 'site.yml', sha256: 'aa', suspicious: false }],
    secrets: new SecretMask(),
    command: { playbook: 'site.yml', inventories: ['hosts.yml'], limit: [], tags: [], skipTags: [], startAtTask: null, forks: 10, user: null, become: false, becomeUser: null, askBecomePass: false, askPass: false, privateKey: null, vaultPasswordFiles: [], allow: [], reason: null },
    extraVars: { files: [], inline: {}, merged: {} },
    revision: null,
    impact: { services: [], pairs: [], units: [], order: [] },
    guards: [],
    tool: '1.0.0',
    author: 'bob@ops1',
    directory: '/work',
    now: NOW,
    expiresIn: 3600,
    ...rest,
  };
}

const NAMES = new Map([['192.168.0.18:80', 'rs1']]);
const statesOf = async (before: readonly HostAnswer[], after: readonly HostAnswer[], secrets = new SecretMask()) => changedState(await makeSavedPlan(source({ answers: before, secrets })), { answers: after, names: NAMES, secrets });

function table(weight: number): Json {
  return { table: { services: [{ protocol: 'tcp', address: '192.168.0.38', port: 80, scheduler: 'rr', destinations: [{ address: '192.168.0.18', port: 80, forward: 'dr', weight, activeConnections: weight, inactiveConnections: 9 }] }] }, templates: null };
}

describe('what hosts said', () => {
  const unit = (active: boolean): Json => ({ exists: true, active, enabled: 'enabled', needsReload: false });
  it.each<[string, HostAnswer, HostAnswer, string[]]>([
    ['nothing', answer('lvs1', sysctlFact as never, 'net.x', '1'), answer('lvs1', sysctlFact as never, 'net.x', '1'), []],
    ['a sysctl', answer('lvs1', sysctlFact as never, 'net.x', '1'), answer('lvs1', sysctlFact as never, 'net.x', '0'), ['lvs1: sysctl net.x was 1, is 0']],
    ['a weight', answer('lvs1', balanceFact as never, 'table', table(1)), answer('lvs1', balanceFact as never, 'table', table(5)), ['lvs1: IPVS TCP 192.168.0.38:80 -> rs1 weight was 1, is 5']],
    ['a file', answer('rs1', contentFact as never, '/etc/x', { ...contentOf(Buffer.from('a')) }), answer('rs1', contentFact as never, '/etc/x', { ...contentOf(Buffer.from('b')) }), ['rs1: content of /etc/x changed']],
    ['a mode', answer('rs1', fileFact as never, '/etc/x', { type: 'file', mode: '0644', owner: 'root', group: 'root' }), answer('rs1', fileFact as never, '/etc/x', { type: 'absent', mode: '', owner: '', group: '' }), ['rs1: path /etc/x was file 0644 root:root, is absent']],
    ['a daemon', answer('lvs1', unitFact as never, 'keepalived.service', unit(true)), answer('lvs1', unitFact as never, 'keepalived.service', unit(false)), ['lvs1: unit keepalived.service active was true, is false']],
    ['a secret', answer('lvs1', sysctlFact as never, 'my_password', 'one'), answer('lvs1', sysctlFact as never, 'my_password', 'two'), ['lvs1: sysctl my_password changed']],
    ['another question', answer('lvs1', sysctlFact as never, 'a', '1'), answer('lvs1', sysctlFact as never, 'b', '1'), ['lvs1: sysctl a was asked for the plan, and is not now', 'lvs1: sysctl b is asked now, and was not for the plan']],
  ])('changed: %s', async (_name, before, after, lines) => {
    expect(await statesOf([before], [after])).toEqual(lines);
  });

  it('leaves out connections: they come and go', async () => {
    const busy = JSON.parse(JSON.stringify(table(1)).replace('"activeConnections":1', '"activeConnections":77')) as Json;
    expect(await statesOf([answer('lvs1', balanceFact as never, 'table', table(1))], [answer('lvs1', balanceFact as never, 'table', busy)])).toEqual([]);
  });

  it('any single answer that changed is found and named, and nothing else', async () => {
    const value = fc.stringMatching(/^[0-9a-f]{1,8}$/);
    const key = fc.stringMatching(/^net\.[a-f]{1,6}$/);
    const host = fc.constantFrom('lvs1', 'lvs2', 'rs1');
    const asked = fc.uniqueArray(fc.tuple(host, key, value), { minLength: 1, maxLength: 20, selector: ([name, what]) => `${name} ${what}` });
    await fc.assert(
      fc.asyncProperty(asked, fc.nat(), value, async (all, pick, other) => {
        const answers = all.map(([name, what, is]) => answer(name, sysctlFact as never, what, is));
        expect(await statesOf(answers, answers)).toEqual([]);
        const at = pick % answers.length;
        const [name, what, was] = all[at] ?? ['', '', ''];
        fc.pre(other !== was);
        const after = answers.map((one, index) => (index === at ? { ...one, value: other } : one));
        expect(await statesOf(answers, after)).toEqual([`${name}: sysctl ${what} was ${was}, is ${other}`]);
      }),
    );
  });
});

describe('what a plan was made from', () => {
  it('names files that changed, came and went, and variables', async () => {
    const inputs = ['a.yml', 'b.yml', 'vault_password.yml'].map((name) => ({ path: name, sha256: name, suspicious: name.includes('password') }));
    const saved = await makeSavedPlan(source({ inputs, extraVars: { files: ['@x.yml'], inline: { a: '1', b: '2' }, merged: { a: '1', b: '2', c: '3' } } }));
    const extraVars = { files: ['@x.yml'], inline: { a: '1', b: '2' }, merged: { a: '1', b: '2', c: '3' } };
    expect(await changedInputs(saved, { inputs, extraVars })).toEqual([]);
    const now = [{ path: 'a.yml', sha256: 'other', suspicious: false }, { path: 'c.yml', sha256: 'c', suspicious: false }, { path: 'vault_password.yml', sha256: 'other', suspicious: true }];
    expect(await changedInputs(saved, { inputs: now, extraVars })).toEqual(['a.yml changed', 'b.yml is not read any more', 'c.yml is read now, and was not when the plan was made', 'vault_password.yml changed']);
    const lines = await changedInputs(saved, { inputs, extraVars: { files: [], inline: { a: '9', d: '1' }, merged: {} } });
    expect(lines).toEqual(['-e a has another value than when the plan was made', 'the plan was made with -e b=..., which is not kept in it: give it again', '-e d was not given when the plan was made']);
    expect(await changedInputs(saved, { inputs, extraVars: { ...extraVars, merged: { a: '1', b: '2', c: '4' } } })).toEqual(['the variables of -e together are not those of the plan']);
  });

  it('is refused when it expired, by another tool, and for hosts that were not there', async () => {
    const saved = await makeSavedPlan(source({ plan: { ...planOf(), unreachable: { lvs2: 'no route' } } }));
    expect(untimely(saved, { now: new Date('2026-11-23T20:59:00Z'), tool: '1.0.0' })).toHaveLength(1);
    expect(untimely(saved, { now: new Date('2026-11-23T21:01:00Z'), tool: '1.1.0' })).toEqual([
      'it expired at 2026-11-23T21:00:00.000Z',
      'it was made by lvs-play 1.0.0, and this is 1.1.0',
      "lvs2 could not be reached when it was made: bring it back, or leave it out with -l '!lvs2', and plan again",
    ]);
  });

  it('tells tasks that would do something else, and another order', () => {
    const change = { path: '/etc/x', before: 'a', after: 'b' };
    const plan = planOf([row('lvs1', '0.0', [change]), row('lvs2', '0.0', [])]);
    expect(changedTasks(plan, plan)).toEqual([]);
    expect(changedTasks(plan, planOf([row('lvs1', '0.0', [{ ...change, after: 'c' }])]))).toEqual(['lvs1: task "task 0.0" would do something else than the plan says', 'lvs2: task "task 0.0" would do something else than the plan says']);
    expect(changedTasks(plan, { ...plan, plays: plan.plays.map((play) => ({ ...play, batches: [['lvs2'], ['lvs1']] })) })).toEqual(['hosts would be taken in another order']);
    // What was there before a predicted change is what the plan expected.
    expect(sameChanges([change], [{ ...change, before: 'z' }], false)).toBe(false);
    expect(sameChanges([change], [{ ...change, before: 'z' }], true)).toBe(true);
    expect(sameChanges([change], [], true)).toBe(false);
  });
});

describe('the file', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-plan-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('comes back as it was, readable by its owner alone, and remembers who carried it out', async () => {
    const file = path.join(dir, 'change.plan');
    const saved = await makeSavedPlan(source({ answers: [answer('lvs1', sysctlFact as never, 'a', '1')], plan: planOf([row('lvs1', '0.0', [{ path: 'x', before: null, after: 'y' }])]) }));
    await writeSavedPlan(file, saved);
    expect(await readSavedPlan(file)).toEqual(saved);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await appliedBy(file, saved)).toBeUndefined();
    await noteApplied(file, saved, 'run-1', NOW);
    expect(await appliedBy(file, saved)).toEqual({ run: 'run-1', at: NOW.toISOString() });
    expect(await appliedBy(file, { ...saved, id: 'another' })).toBeUndefined();
    expect(await readFile(file, 'utf8')).toBe(savedPlanText(saved));
    await expect(writeSavedPlan(path.join(dir, 'no/such/dir'), saved)).rejects.toMatchObject({ code: 'cannot-write', kind: 'usage' });
    await expect(readSavedPlan(path.join(dir, 'none'))).rejects.toMatchObject({ code: 'no-such-file' });
  });

  it.each([
    ['no plan', 'hello', 'no-plan'],
    ['another document', '{"version":1,"command":"plan"}', 'no-plan'],
    ['cut off', '{"format": "lvs-play plan", "ver', 'plan-cut-off'],
    ['a newer one', '{"format": "lvs-play plan", "version": 2}', 'plan-version'],
    ['none of a version', '{"format": "lvs-play plan"}', 'plan-version'],
    ['without a checksum', '{"format": "lvs-play plan", "version": 1}', 'plan-edited'],
  ])('is refused when it is %s', (_name, text, code) => {
    expect(() => parseSavedPlan(text, 'x.plan')).toThrow(expect.objectContaining({ code, kind: 'input' }) as Error);
  });

  it('a file that was cut or edited anywhere is refused, or says the same', async () => {
    const saved = await makeSavedPlan(source({ answers: [answer('lvs1', sysctlFact as never, 'a', '1')] }));
    const text = savedPlanText(saved);
    fc.assert(
      fc.property(fc.nat(text.length - 2), fc.constantFrom('', '0', 'x', '"', '}', ' '), (at, put) => {
        const edited = text.slice(0, at) + put + text.slice(at + 1);
        for (const one of [edited, text.slice(0, at)]) {
          try {
            expect(parseSavedPlan(one, 'x.plan')).toEqual(saved);
          } catch (error) {
            if (!(error instanceof LvsPlayError)) throw error;
            expect(['no-plan', 'plan-cut-off', 'plan-edited', 'plan-version']).toContain(error.code);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('secrets', () => {
  it('are nowhere in the file, nor anything that they could be guessed from without effort', async () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{8,20}$/).map((text) => `Z${text}`);
    await fc.assert(
      fc.asyncProperty(secret, secret, async (known, unknown) => {
        const secrets = new SecretMask();
        secrets.add(known);
        const files = [`a: ${known}\n`, `auth_pass ${unknown}\n`];
        const changes = files.map((text, index): Change => ({ path: `/etc/${String(index)}`, before: null, after: `sha256:${sha(text).slice(0, 12)}`, text: { before: '', after: text.replace(/(?<=auth_pass ).*/, '********') } }));
        const shown = changes.map((change) => viewChange(change, secrets, false));
        const hidden = viewChange({ path: '/etc/h', before: unknown, after: known, sensitive: true }, secrets, false);
        const answers = [
          ...files.map((text, index) => answer('lvs1', contentFact as never, `/etc/${String(index)}`, { ...contentOf(Buffer.from(text)) })),
          answer('lvs1', sysctlFact as never, `net.${known}`, known),
        ];
        const inputs = files.map((text, index) => ({ path: `${String(index)}.yml`, sha256: sha(text), suspicious: true }));
        const plan = planOf([row('lvs1', '0.0', [...shown, hidden], { reason: `because of ${known}` })]);
        const saved = await makeSavedPlan(source({ answers, inputs, plan, secrets, extraVars: { files: [], inline: { any: unknown }, merged: { any: unknown } } }));
        const text = savedPlanText(saved);
        for (const word of [known, unknown]) {
          expect(text).not.toContain(word);
          expect(text).not.toContain(Buffer.from(word).toString('base64'));
        }
        const guesses = [...files, known, unknown, JSON.stringify(known), JSON.stringify(unknown)].flatMap((guess) => [sha(guess), sha(`${saved.salt}\0${guess}`), sha(`${saved.salt}\0${JSON.stringify(sha(guess))}`)]);
        for (const guess of guesses) expect(text).not.toContain(guess.slice(0, 12));
        // And all the same it is found when they change.
        expect(await changedState(saved, { answers, names: NAMES, secrets })).toEqual([]);
        const after = [answer('lvs1', contentFact as never, '/etc/0', { ...contentOf(Buffer.from('a: other\n')) }), ...answers.slice(1)];
        expect(await changedState(saved, { answers: after, names: NAMES, secrets })).toEqual(['lvs1: content of /etc/0 changed']);
        expect(changedTasks(saved.plan, await shownPlan(plan, secrets, new Fingerprints(saved.salt)))).toEqual([]);
      }),
      { numRuns: 8 },
    );
  });
});

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
