import path from 'node:path';
import { assess } from '../../apply/guards.ts';
import type { PlanToApply } from '../../apply/saved-plan.ts';
import { LvsPlayError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { loadExtraVars } from '../../inventory/extra-vars.ts';
import type { RunInput } from '../../plan/input.ts';
import type { PreparedRun } from '../../plan/prepare.ts';
import { readSavedPlan, writeSavedPlan } from '../../plan/saved/file.ts';
import { type ExtraVarsGiven, makeSavedPlan } from '../../plan/saved/make.ts';
import { revisionOf } from '../../plan/saved/revision.ts';
import type { SavedCommand, SavedPlan } from '../../plan/saved/types.ts';
import { readVaultPasswords } from '../input/vault-passwords.ts';
import type { CommonOptions } from '../input/options.ts';
import { operator } from '../operator.ts';
import { processSecrets } from '../output.ts';
import { toolVersion } from '../version.ts';

/** Where a plan is kept, and for how long it may be carried out. */
export interface SaveOptions {
  readonly file: string;
  /** Seconds. */
  readonly expiresIn: number;
}

/** Writes the plan that was just made. @throws LvsPlayError kind `usage` when it cannot be written */
export async function savePlan(prepared: PreparedRun, input: RunInput, options: CommonOptions, { file, expiresIn }: SaveOptions): Promise<SavedPlan> {
  const plan = await makeSavedPlan({
    prepared,
    inputs: input.inputs.list(),
    secrets: input.secrets,
    command: commandOf(input.playbook.file, options),
    extraVars: await extraVarsGiven(options, input.extraVars),
    revision: await revisionOf(options.inventories[0] ?? '.'),
    ...assess(prepared, input, options.allow),
    tool: toolVersion(),
    author: operator(),
    directory: process.cwd(),
    now: new Date(),
    expiresIn,
  });
  await writeSavedPlan(file, plan);
  return plan;
}

/** A plan that is to be carried out, and the options to do it with: those it was made with, and the secrets that are given again. */
export interface LoadedPlan {
  readonly file: string;
  readonly plan: SavedPlan;
  readonly options: CommonOptions;
}

/** @param given the options of `apply` @throws LvsPlayError kind `input` for a file that is no plan, or one whose files are elsewhere */
export async function loadPlan(file: string, given: CommonOptions): Promise<LoadedPlan> {
  const plan = await readSavedPlan(file);
  const { command, extraVars } = plan;
  return {
    file,
    plan,
    options: {
      ...given,
      inventories: command.inventories,
      limit: command.limit,
      tags: command.tags,
      skipTags: command.skipTags,
      startAtTask: command.startAtTask ?? undefined,
      forks: command.forks,
      user: command.user ?? undefined,
      become: command.become,
      becomeUser: command.becomeUser ?? undefined,
      askBecomePass: given.askBecomePass || command.askBecomePass,
      askPass: given.askPass || command.askPass,
      privateKey: given.privateKey ?? command.privateKey ?? undefined,
      vaultPasswordFiles: given.vaultPasswordFiles.length > 0 ? given.vaultPasswordFiles : command.vaultPasswordFiles,
      extraVars: [...extraVars.files, ...given.extraVars],
      allow: [...new Set([...command.allow, ...given.allow])],
      reason: given.reason ?? command.reason ?? undefined,
    },
  };
}

/** What a plan is compared with once its inputs were read again. */
export async function planToApply({ file, plan, options }: LoadedPlan, input: RunInput): Promise<PlanToApply> {
  return { file, plan, tool: toolVersion(), extraVars: await extraVarsGiven(options, input.extraVars) };
}

/** @throws LvsPlayError kind `input` before anything is asked: a variable that is missing would be an error in some task */
export function requireExtraVars({ file, plan, options }: LoadedPlan): void {
  const given = options.extraVars.filter((one) => !one.startsWith('@')).join(' ');
  const missing = plan.extraVars.given.map(({ name }) => name).filter((name) => !new RegExp(`(?:^|[\\s{"'])${name}["']?\\s*[=:]`).test(given));
  if (missing.length === 0) return;
  throw new LvsPlayError({
    code: 'stale-plan',
    kind: 'input',
    message: `${file} was made with -e ${missing.map((name) => `${name}=...`).join(' -e ')}, which it does not keep`,
    hint: 'what stands on a command line may be a secret: give it again, or keep it in a (vaulted) file and use -e @FILE',
  });
}

/** Paths are seen from where the plan was made. @throws LvsPlayError kind `input` elsewhere */
export function requireDirectory({ file, plan }: LoadedPlan): void {
  if (path.resolve(plan.directory) === process.cwd()) return;
  throw new LvsPlayError({ code: 'other-directory', kind: 'input', message: `${file} was made in ${plan.directory}, and its files are named from there`, hint: `cd ${plan.directory}` });
}

async function extraVarsGiven({ extraVars, vaultPasswordFiles }: CommonOptions, merged: JsonObject): Promise<ExtraVarsGiven> {
  const inline = extraVars.filter((one) => !one.trim().startsWith('@'));
  const vault = { passwords: inline.length === 0 ? [] : await readVaultPasswords(vaultPasswordFiles), secrets: processSecrets };
  return { files: extraVars.filter((one) => one.trim().startsWith('@')), inline: await loadExtraVars(inline, vault), merged };
}

function commandOf(playbook: string, options: CommonOptions): SavedCommand {
  const { inventories, limit, tags, skipTags, startAtTask, forks, user, become, becomeUser, askBecomePass, askPass, privateKey, vaultPasswordFiles, allow, reason } = options;
  return {
    ...{ playbook, inventories, limit, tags, skipTags, forks, become, askBecomePass, askPass, vaultPasswordFiles, allow },
    startAtTask: startAtTask ?? null,
    user: user ?? null,
    becomeUser: becomeUser ?? null,
    privateKey: privateKey ?? null,
    reason: reason === undefined ? null : processSecrets.mask(reason),
  };
}
