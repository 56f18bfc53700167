import type { ChangeView } from '../../core/events.ts';
import type { InputFile } from '../../core/inputs.ts';
import type { Json } from '../../core/json.ts';
import type { SecretMask } from '../../core/secrets.ts';
import { aspectsOf } from '../../facts/contract.ts';
import type { HostAnswer } from '../sessions.ts';
import type { Plan, PlannedTask } from '../types.ts';
import { Fingerprints } from './fingerprint.ts';
import type { ExtraVarsGiven } from './make.ts';
import type { SavedPlan, SavedQuestion } from './types.ts';

/** How things are when a saved plan is to be carried out. */
export interface Present {
  readonly now: Date;
  readonly tool: string;
  readonly inputs: readonly InputFile[];
  readonly extraVars: ExtraVarsGiven;
  readonly answers: readonly HostAnswer[];
  readonly secrets: SecretMask;
  /** As `shownPlan` gives it. */
  readonly plan: Plan;
  /** Names of real servers by their endpoints, for people. */
  readonly names: ReadonlyMap<string, string>;
}

/** What forbids to carry a plan out before any file or host is looked at. */
export function untimely(saved: SavedPlan, present: Pick<Present, 'now' | 'tool'>): string[] {
  const lost = { unreachable: 'could not be reached', failed: 'could not answer' } as const;
  return [
    ...(present.now.getTime() > Date.parse(saved.expiresAt) ? [`it expired at ${saved.expiresAt}`] : []),
    ...(present.tool === saved.tool ? [] : [`it was made by lvs-play ${saved.tool}, and this is ${present.tool}`]),
    ...(['unreachable', 'failed'] as const).flatMap((state) => Object.keys(saved.plan[state]).map((host) => `${host} ${lost[state]} when it was made: bring it back, or leave it out with -l '!${host}', and plan again`)),
  ];
}

/** Files and variables that are not what they were. */
export async function changedInputs(saved: SavedPlan, present: Pick<Present, 'inputs' | 'extraVars'>): Promise<string[]> {
  const prints = new Fingerprints(saved.salt);
  const before = new Map(saved.inputs.map(({ path, print }) => [path, print]));
  const after = new Map(present.inputs.map((input) => [input.path, input]));
  const files = [...new Set([...before.keys(), ...after.keys()])].sort().map(async (path) => {
    const [print, input] = [before.get(path), after.get(path)];
    if (print === undefined) return `${path} is read now, and was not when the plan was made`;
    if (input === undefined) return `${path} is not read any more`;
    return (await prints.matches(print, input.sha256)) ? undefined : `${path} changed`;
  });
  const variables = await changedVariables(saved, present.extraVars, prints);
  return [...(await Promise.all(files)), ...variables].filter((line) => line !== undefined);
}

async function changedVariables({ extraVars: saved }: SavedPlan, { inline, merged }: ExtraVarsGiven, prints: Fingerprints): Promise<string[]> {
  const known = new Map(saved.given.map(({ name, print }) => [name, print]));
  const lines: string[] = [];
  for (const [name, print] of known) {
    const value = inline[name];
    if (value === undefined) lines.push(`the plan was made with -e ${name}=..., which is not kept in it: give it again`);
    else if (!(await prints.matches(print, value))) lines.push(`-e ${name} has another value than when the plan was made`);
  }
  for (const name of Object.keys(inline)) if (!known.has(name)) lines.push(`-e ${name} was not given when the plan was made`);
  if (lines.length === 0 && !(await prints.matches(saved.print, merged))) lines.push('the variables of -e together are not those of the plan');
  return lines;
}

/** What hosts say otherwise than when the plan was made: `lvs1: sysctl net.ipv4.ip_forward was 1, is 0`. */
export async function changedState(saved: SavedPlan, present: Pick<Present, 'answers' | 'names' | 'secrets'>): Promise<string[]> {
  const { secrets } = present;
  const prints = new Fingerprints(saved.salt);
  const before = new Map(saved.questions.map((question) => [idOf(question), question]));
  const after = new Map(present.answers.map((answer) => [idOf({ ...answer, fact: answer.fact.name, key: secrets.mask(answer.key) }), answer]));
  const lines: string[] = [];
  for (const [id, question] of before) {
    const answer = after.get(id);
    if (answer === undefined) lines.push(`${question.host}: ${question.fact} ${question.key} was asked for the plan, and is not now`);
    else lines.push(...(await changedAspects(question, answer, prints, secrets)));
  }
  for (const [id, { host, fact, key }] of after) if (!before.has(id)) lines.push(`${host}: ${fact.name} ${secrets.mask(key)} is asked now, and was not for the plan`);
  // Two facts may tell of the same thing.
  return [...new Set(lines.map((line) => named(line, present.names)))];
}

async function changedAspects({ host, aspects }: SavedQuestion, { fact, key, value }: HostAnswer, prints: Fingerprints, secrets: SecretMask): Promise<string[]> {
  const now = new Map(Object.entries(aspectsOf(fact, key, value)).map(([about, part]) => [secrets.mask(about), part]));
  const lines: string[] = [];
  for (const { about, print, value: was } of aspects) {
    const is = now.get(about);
    now.delete(about);
    if (is === undefined) lines.push(`${host}: ${about} ${was === undefined ? 'is gone' : `was ${words(was)}, is gone`}`);
    // What could not be shown then is not shown now.
    else if (!(await prints.matches(print, is))) lines.push(`${host}: ${about} ${was === undefined ? 'changed' : `was ${words(was)}, is ${secrets.mask(words(is))}`}`);
  }
  for (const about of now.keys()) lines.push(`${host}: ${about} is new`);
  return lines;
}

function words(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function named(line: string, names: ReadonlyMap<string, string>): string {
  return line.replace(/(?<=-> )\S+/, (endpoint) => names.get(endpoint) ?? endpoint);
}

function idOf({ host, user, become, fact, key }: Pick<SavedQuestion, 'host' | 'user' | 'become' | 'fact' | 'key'>): string {
  return JSON.stringify([host, user, become, fact, key]);
}

/** Tasks that would do something else than the plan says, though nothing that it was made from has changed: a template that tells the time, for example. */
export function changedTasks(saved: Plan, now: Plan): string[] {
  const rows = (plan: Plan) => new Map(plan.plays.flatMap((play) => play.tasks).map((row) => [JSON.stringify([row.host, row.task.id]), row]));
  const [before, after] = [rows(saved), rows(now)];
  const order = (plan: Plan) => JSON.stringify(plan.plays.map(({ name, batches }) => [name, batches]));
  const lines = [...new Set([...before.keys(), ...after.keys()])].flatMap((id) => {
    const [was, is] = [before.get(id), after.get(id)];
    const row = was ?? is;
    return row === undefined || (was !== undefined && is !== undefined && sameRow(was, is)) ? [] : [`${row.host}: task "${row.task.name}" would do something else than the plan says`];
  });
  return order(saved) === order(now) ? lines : [...lines, 'hosts would be taken in another order'];
}

function sameRow(was: PlannedTask, is: PlannedTask): boolean {
  return was.status === is.status && sameChanges(was.changes, is.changes, was.predicted);
}

/**
 * Whether changes are those that a plan lists. @param predicted what was there before is what the plan expected; what counts is what comes of it
 */
export function sameChanges(planned: readonly ChangeView[], wanted: readonly ChangeView[], predicted: boolean): boolean {
  const text = (changes: readonly ChangeView[]) => JSON.stringify(changes.filter(({ upkeep }) => upkeep !== true).map(({ path, before, after }) => [path, after, ...(predicted ? [] : [before])]).sort());
  return text(planned) === text(wanted);
}

/**
 * Whether changes lead to what a plan promised, from another beginning than it could know: an earlier task may have made some of it already, or something else in its
 * place. What the plan lists has to come out as it says; the arguments of the task, which are those of the plan, decide on the rest.
 */
export function sameOutcome(planned: readonly ChangeView[], wanted: readonly ChangeView[]): boolean {
  const promised = new Map(planned.map(({ path, after }) => [path, JSON.stringify(after)]));
  return wanted.every(({ path, after }) => (promised.get(path) ?? JSON.stringify(after)) === JSON.stringify(after));
}
