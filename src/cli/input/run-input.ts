import path from 'node:path';
import { InputErrors, LvsPlayError } from '../../core/errors.ts';
import { InputFiles } from '../../core/inputs.ts';
import type { JsonObject } from '../../core/json.ts';
import { loadExtraVars } from '../../inventory/extra-vars.ts';
import { readLimits } from '../../inventory/limits.ts';
import { loadInventory } from '../../inventory/load.ts';
import type { Inventory } from '../../inventory/types.ts';
import { knownModules } from '../../modules/registry.ts';
import type { RunInput } from '../../plan/input.ts';
import { loadPlaybook } from '../../playbook/load/load.ts';
import type { Playbook } from '../../playbook/types.ts';
import { createTemplateEngine } from '../../template/engine.ts';
import { createConnector } from '../../transport/connect.ts';
import { hostConnection, type ConnectionDefaults } from '../../transport/connection.ts';
import { controllerActions } from '../run/controller-actions.ts';
import type { CommonOptions } from './options.ts';
import { printProgress, processSecrets } from '../output.ts';
import { askSecret, canAsk } from './prompt.ts';
import { readVaultPasswords } from './vault-passwords.ts';

/** The inventory and the variables of `-e`, with vaulted values opened. */
export async function readInventory(options: CommonOptions, playbookFile?: string, inputs = new InputFiles()): Promise<{ inventory: Inventory; extraVars: JsonObject }> {
  const passwords = await readVaultPasswords(options.vaultPasswordFiles);
  for (const password of passwords) processSecrets.add(password);
  const playbookDir = playbookFile === undefined ? {} : { playbookDir: path.dirname(playbookFile) };
  const inventory = await loadInventory(options.inventories, { vaultPasswords: passwords, secrets: processSecrets, inputs, ...playbookDir });
  return { inventory, extraVars: await loadExtraVars(options.extraVars, { passwords, secrets: processSecrets, inputs }) };
}

export function readPlaybook(file: string, inputs = new InputFiles()): Promise<Playbook> {
  return loadPlaybook(file, knownModules, inputs);
}

/** How a connection talks to the operator while something else may hold the screen. */
export interface Screen {
  /** Lets go of the screen while a question is asked. */
  quiet<T>(work: () => Promise<T>): Promise<T>;
  warn(text: string, host: string): void;
}

/** Nothing else is on the screen. */
export const plainScreen: Screen = {
  quiet: (work) => work(),
  warn: (text, host) => {
    printProgress(`warning: [${host}] ${processSecrets.mask(text)}\n`);
  },
};

/** How hosts are reached. */
export type Connection = Pick<RunInput, 'connector' | 'connectionOf'>;

/** How to reach the hosts, with the passwords that the operator types. */
export async function readConnection(options: CommonOptions, screen: Screen = plainScreen): Promise<Connection> {
  const password = options.askPass ? await askSecret('SSH password', 'set ansible_password in a vaulted host_vars file') : undefined;
  const becomePassword = options.askBecomePass ? await askSecret('sudo password', 'set ansible_become_password in a vaulted host_vars file') : undefined;
  for (const secret of [password, becomePassword]) if (secret !== undefined) processSecrets.add(secret);
  const defaults: ConnectionDefaults = {
    user: options.user,
    privateKeyFile: options.privateKey,
    password,
    becomeUser: options.becomeUser,
    becomePassword,
  };
  const connector = createConnector({
    passphrase: canAsk() ? (file) => screen.quiet(() => askSecret(`passphrase of ${file}`, 'add the key to ssh-agent')) : undefined,
    onWarning: (text, host) => {
      screen.warn(text, host);
    },
  });
  return { connector, connectionOf: (host, vars) => hostConnection(host, vars, defaults) };
}

/**
 * Everything a plan or a deploy starts from.
 * @param known the way to the hosts, where it was asked for already
 * @throws LvsPlayError with the mistakes of playbook and inventory together, so that both are mended in one go
 */
export async function readRunInput(playbookFile: string, options: CommonOptions, screen: Screen = plainScreen, known?: Connection): Promise<RunInput> {
  const inputs = new InputFiles();
  const [playbook, hosts] = await together(readPlaybook(playbookFile, inputs), readInventory(options, playbookFile, inputs));
  const connection = known ?? (await readConnection(options, screen));
  return {
    playbook,
    inventory: hosts.inventory,
    limit: await readLimits(options.limit, inputs),
    tags: options.tags,
    skipTags: options.skipTags,
    startAtTask: options.startAtTask,
    extraVars: hosts.extraVars,
    forks: options.forks,
    become: options.become,
    engine: createTemplateEngine(),
    ...connection,
    secrets: processSecrets,
    inputs,
    controllerActions,
  };
}

/** Waits for both; when both fail on their input, all errors are thrown as one. */
async function together<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value];
  const reasons: unknown[] = [a, b].flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const [one, ...others] = reasons.flatMap((reason): readonly unknown[] => (reason instanceof InputErrors ? reason.errors : [reason]));
  if (one instanceof LvsPlayError && others.every((error) => error instanceof LvsPlayError)) throw others.length === 0 ? one : new InputErrors([one, ...others]);
  throw reasons.find((reason) => !(reason instanceof LvsPlayError)) ?? one;
}
