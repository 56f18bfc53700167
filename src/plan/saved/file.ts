import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { LvsPlayError, messageOf } from '../../core/errors.ts';
import { isJsonObject } from '../../core/json.ts';
import { SAVED_PLAN_VERSION, type SavedPlan } from './types.ts';

/** The text of a plan's file: the document, and its checksum, which tells a damaged file and one that was edited. */
export function savedPlanText(plan: SavedPlan): string {
  return `${JSON.stringify({ ...plan, checksum: checksumOf(plan) }, null, 1)}\n`;
}

/**
 * Reads the text of a plan's file. Pure.
 * @throws LvsPlayError kind `input`: no plan, cut off, of another version, edited
 */
export function parseSavedPlan(text: string, file: string): SavedPlan {
  const wrong = (code: string, message: string, hint: string): LvsPlayError => new LvsPlayError({ code, kind: 'input', message: `${file} ${message}`, hint });
  const again = 'make it again with lvs-play plan PLAYBOOK -o FILE';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (text.trimStart().startsWith('{')) throw wrong('plan-cut-off', `is cut off or damaged: ${messageOf(cause)}`, again);
    throw wrong('no-plan', 'is no saved plan', again);
  }
  if (!isJsonObject(value) || value['format'] !== 'lvs-play plan') {
    const shown = isJsonObject(value) && value['command'] === 'plan';
    throw wrong('no-plan', shown ? 'is what plan --json prints, not a saved plan' : 'is no saved plan', again);
  }
  const { version } = value;
  if (version !== SAVED_PLAN_VERSION) {
    const newer = typeof version === 'number' && version > SAVED_PLAN_VERSION;
    throw wrong('plan-version', `has version ${JSON.stringify(version ?? null)}, and this lvs-play reads version ${String(SAVED_PLAN_VERSION)}`, newer ? 'carry it out with the lvs-play that made it, or make it again' : again);
  }
  const { checksum, ...plan } = value;
  if (checksum !== checksumOf(plan as unknown as SavedPlan)) throw wrong('plan-edited', 'was edited or damaged: its checksum does not fit', `a plan is carried out as it was made; ${again}`);
  return plan as unknown as SavedPlan;
}

/** Not a signature: whoever can write the file can make a checksum. What is carried out is worked out anew in any case. */
function checksumOf(plan: SavedPlan): string {
  return createHash('sha256').update(JSON.stringify(plan)).digest('hex');
}

/** @throws LvsPlayError kind `input` when there is none, and what `parseSavedPlan` throws */
export async function readSavedPlan(file: string): Promise<SavedPlan> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new LvsPlayError({ code: 'no-such-file', kind: 'input', message: `${file} cannot be read: ${messageOf(cause)}`, cause });
  }
  return parseSavedPlan(text, file);
}

/** Writes a plan, 0600: beside its place, synced, then renamed. @throws LvsPlayError kind `usage` when it cannot be written */
export async function writeSavedPlan(file: string, plan: SavedPlan): Promise<void> {
  await writePrivately(file, savedPlanText(plan));
}

/** Beside the plan: that it was carried out, and by which run. */
function noteOf(file: string): string {
  return `${file}.applied`;
}

/** The run that carried a plan out; undefined: none yet. */
export async function appliedBy(file: string, plan: SavedPlan): Promise<{ readonly run: string; readonly at: string } | undefined> {
  try {
    const note: unknown = JSON.parse(await readFile(noteOf(file), 'utf8'));
    // A plan of the same name that was made later is another one.
    return isJsonObject(note) && note['plan'] === plan.id ? { run: textOf(note['run']), at: textOf(note['at']) } : undefined;
  } catch {
    return undefined;
  }
}

/** @throws LvsPlayError kind `usage` when it cannot be noted */
export async function noteApplied(file: string, plan: SavedPlan, run: string, now: Date): Promise<void> {
  await writePrivately(noteOf(file), `${JSON.stringify({ plan: plan.id, run, at: now.toISOString() })}\n`);
}

async function writePrivately(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new LvsPlayError({ code: 'cannot-write', kind: 'usage', message: `${file} cannot be written: ${messageOf(cause)}`, cause });
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : 'unknown';
}
