import { randomBytes } from 'node:crypto';
import type { ChangeView } from '../../core/events.ts';
import type { InputFile } from '../../core/inputs.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { newRunId } from '../../core/run-id.ts';
import type { SecretMask } from '../../core/secrets.ts';
import type { GuardFinding, Impact } from '../../impact/types.ts';
import type { PreparedRun } from '../prepare.ts';
import type { Plan } from '../types.ts';
import { Fingerprints } from './fingerprint.ts';
import { hiddenQuestions, savedQuestions } from './questions.ts';
import { type Revision, SAVED_PLAN_VERSION, type SavedCommand, type SavedPlan } from './types.ts';

/** `-e`, told apart by where it came from. */
export interface ExtraVarsGiven {
  /** `@file`, in order. */
  readonly files: readonly string[];
  /** What stood on the command line itself. */
  readonly inline: JsonObject;
  /** All together. */
  readonly merged: JsonObject;
}

/** What a saved plan is made of. */
export interface PlanSource {
  readonly prepared: Pick<PreparedRun, 'plan' | 'answers' | 'outlines'>;
  readonly inputs: readonly InputFile[];
  readonly secrets: SecretMask;
  readonly command: SavedCommand;
  readonly extraVars: ExtraVarsGiven;
  readonly revision: Revision | null;
  readonly impact: Impact;
  readonly guards: readonly GuardFinding[];
  readonly tool: string;
  readonly author: string;
  readonly directory: string;
  readonly now: Date;
  /** Seconds until it is not carried out any more. */
  readonly expiresIn: number;
}

/** The document of a plan. Pure but for its salt and its id. */
export async function makeSavedPlan(source: PlanSource): Promise<SavedPlan> {
  const { prepared, secrets, extraVars, now } = source;
  const salt = randomBytes(16).toString('hex');
  const prints = new Fingerprints(salt);
  return {
    format: 'lvs-play plan',
    version: SAVED_PLAN_VERSION,
    id: newRunId(now),
    tool: source.tool,
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + source.expiresIn * 1000).toISOString(),
    author: source.author,
    directory: source.directory,
    command: source.command,
    revision: source.revision,
    salt,
    inputs: await Promise.all(source.inputs.map(async ({ path, sha256, suspicious }) => ({ path, print: await prints.of(sha256, suspicious) }))),
    extraVars: {
      files: extraVars.files,
      given: await Promise.all(Object.entries(extraVars.inline).map(async ([name, value]) => ({ name, print: await prints.of(value, true) }))),
      print: await prints.of(extraVars.merged, Object.keys(extraVars.merged).length > 0),
    },
    questions: await savedQuestions(prepared.answers, hiddenQuestions(prepared.outlines), prints, secrets),
    plan: await shownPlan(prepared.plan, secrets, prints),
    impact: masked(source.impact as unknown as Json, secrets) as unknown as Impact,
    guards: masked(source.guards as unknown as Json, secrets) as unknown as readonly GuardFinding[],
  };
}

/** What identifies hosts and tasks: a secret that happens to be the same word must not tear them apart. */
const IDENTITY: ReadonlySet<string> = new Set(['host', 'id', 'batches', 'module', 'status', 'playbook', 'inventory', 'createdAt']);

/** A plan as it may be kept: its changes are masked when they are made, its names here, and checksums of secrets cannot be guessed from. */
export async function shownPlan(plan: Plan, secrets: SecretMask, prints: Fingerprints): Promise<Plan> {
  const plays = plan.plays.map(async (play) => ({ ...play, tasks: await Promise.all(play.tasks.map(async (row) => ({ ...row, changes: await keptChanges(row.changes, prints) }))) }));
  return masked({ ...plan, plays: await Promise.all(plays) } as unknown as Json, secrets) as unknown as Plan;
}

/** Long enough to tell two texts apart. */
const PRINT_LENGTH = 24;

/** Changes as a plan keeps them. */
export async function keptChanges(changes: readonly ChangeView[], prints: Fingerprints): Promise<ChangeView[]> {
  const kept = async (value: Json) => (value === null ? null : (await prints.of(value, true)).slice(0, PRINT_LENGTH));
  return Promise.all(changes.map(async (change) => (change.guessable === true ? { ...change, before: await kept(change.before), after: await kept(change.after) } : change)));
}

function masked(value: Json, secrets: SecretMask): Json {
  if (typeof value === 'string') return secrets.mask(value);
  if (Array.isArray(value)) return (value as readonly Json[]).map((part) => masked(part, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, IDENTITY.has(key) ? part : masked(part, secrets)]));
}
