import { buildSite, type Site } from '../../plan/site.ts';
import { Scopes } from '../../plan/scope.ts';
import { Sessions } from '../../plan/sessions.ts';
import { createTemplateEngine } from '../../template/engine.ts';
import type { Target } from '../../transport/target.ts';
import type { JsonObject } from '../../core/json.ts';
import type { TemplateEngine } from '../../template/types.ts';
import { secretsOf } from '../../lvs/host/director.ts';
import type { CommonOptions } from './options.ts';
import { processSecrets } from '../output.ts';
import { type Connection, readConnection, readInventory } from './run-input.ts';

/** An inventory's model with a way to its hosts, for commands that run no playbook. */
export interface OpenSite {
  readonly site: Site;
  readonly target: (host: string) => Promise<Target>;
  readonly close: () => Promise<void>;
}

/** @throws LvsPlayError kind `input` for a wrong inventory; no host is connected yet */
export async function openSite(options: CommonOptions): Promise<OpenSite> {
  const { inventory, extraVars } = await readInventory(options);
  const engine = createTemplateEngine();
  return reachSite(buildSite(inventory, extraVars, engine), extraVars, engine, options);
}

/** The same for a model that was read already. @param known the way to the hosts, where it was asked for already */
export async function reachSite(site: Site, extraVars: JsonObject, engine: TemplateEngine, options: CommonOptions, known?: Connection): Promise<OpenSite> {
  for (const secret of site.topology === undefined ? [] : secretsOf(site.topology)) processSecrets.add(secret);
  const connection = known ?? (await readConnection(options));
  const scopes = new Scopes({ site, extraVars, engine, dryRun: true, playbookDir: process.cwd() });
  const sessions = new Sessions({ engine, secrets: processSecrets, ...connection }, scopes);
  return { site, target: async (host) => (await sessions.get(host)).target, close: () => sessions.close() };
}
