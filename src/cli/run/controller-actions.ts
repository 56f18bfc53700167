import type { ControllerAction } from '../../plan/input.ts';

/** Modules that the controller carries out itself; each is loaded when a task first needs it. */
export const controllerActions: ReadonlyMap<string, ControllerAction> = new Map([['lvs_verify', async (call) => (await import('./verify-action.ts')).verifyAction(call)]]);
