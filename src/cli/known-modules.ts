import type { KnownModules } from '../playbook/state.ts';
import { loadModule, moduleNames } from '../modules/registry.ts';

/** Every module with the argument that free text goes to, as reading a playbook needs them. */
export async function knownModules(): Promise<KnownModules> {
  const modules = await Promise.all(moduleNames().map((name) => loadModule(name)));
  return new Map(modules.map((module) => [module.name, { freeForm: module.freeForm }]));
}
