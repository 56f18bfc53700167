import type { JsonObject } from '../core/json.ts';
import type { RunEvent } from '../core/events.ts';
import type { InputFiles } from '../core/inputs.ts';
import type { SecretMask } from '../core/secrets.ts';
import type { StepOutcome } from '../modules/contract.ts';
import type { Connector, HostConnection, Target } from '../transport/target.ts';
import type { Topology } from '../lvs/model/topology.ts';
import type { Inventory } from '../inventory/types.ts';
import type { Playbook } from '../playbook/types.ts';
import type { Resumed } from './resumed.ts';
import type { TemplateEngine } from '../template/types.ts';

/** Everything a plan or a deploy starts from. */
export interface RunInput {
  readonly playbook: Playbook;
  readonly inventory: Inventory;
  /** `-l` patterns; empty: no limit. */
  readonly limit: readonly string[];
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly startAtTask: string | undefined;
  /** `-e`, above every other variable. */
  readonly extraVars: JsonObject;
  /** Hosts worked on at the same time. */
  readonly forks: number;
  /** `-b`: become unless a play, task or host says otherwise. */
  readonly become: boolean;
  readonly engine: TemplateEngine;
  readonly connector: Connector;
  /** From a host's variables, all Jinja rendered, to the way to reach it. */
  readonly connectionOf: (host: string, vars: JsonObject) => HostConnection;
  readonly secrets: SecretMask;
  /** Every file that playbook, inventory and variables were read from; those that tasks name are added as the plan is made. */
  readonly inputs: InputFiles;
  /** Modules that the controller carries out itself with targets in hand (`lvs_verify`). */
  readonly controllerActions: ReadonlyMap<string, ControllerAction>;
  /** What a run that this one goes on with had done. */
  readonly resumed?: Resumed;
}

/** A module whose work is not steps on one host. */
export type ControllerAction = (call: {
  readonly args: JsonObject;
  readonly topology: Topology | undefined;
  /** The open target of a host of this run. */
  readonly target: (host: string) => Promise<Target>;
  readonly signal: AbortSignal;
}) => Promise<StepOutcome>;

export type Emit = (event: RunEvent) => void;
