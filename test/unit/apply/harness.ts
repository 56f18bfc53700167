import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { makePlan, runDeploy, type RunResult } from '../../../src/apply/run.ts';
import type { RunKeeper } from '../../../src/apply/keeper.ts';
import type { RunEvent, TaskOutcome } from '../../../src/core/events.ts';
import { LvsPlayError } from '../../../src/core/errors.ts';
import { InputFiles } from '../../../src/core/inputs.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import { SecretMask } from '../../../src/core/secrets.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import { knownModules } from '../../../src/modules/registry.ts';
import type { ControllerAction, RunInput } from '../../../src/plan/input.ts';
import { loadPlaybook } from '../../../src/playbook/load/load.ts';
import { createTemplateEngine } from '../../../src/template/engine.ts';
import { hostConnection } from '../../../src/transport/connection.ts';
import { localTarget } from '../../../src/transport/local.ts';
import type { Target } from '../../../src/transport/target.ts';

/**
 * A run on this machine: every host is a real sh working in a directory of its own (`{{ dir }}`), so that facts, steps and files are real
 * and only ssh is left out. Hosts named in `broken` cannot be reached.
 */
export class Workshop {
  readonly dir: string;
  readonly events: RunEvent[] = [];
  readonly broken = new Set<string>();
  readonly secrets = new SecretMask();
  readonly actions = new Map<string, ControllerAction>();
  keepers: readonly RunKeeper[] = [];
  /** Called with every event as it happens. */
  onEvent: (event: RunEvent) => void = () => undefined;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async open(): Promise<Workshop> {
    return new Workshop(await mkdtemp(path.join(os.tmpdir(), 'lvs-play-run-')));
  }

  close(): Promise<void> {
    return rm(this.dir, { recursive: true, force: true });
  }

  path(name: string): string {
    return path.join(this.dir, name);
  }

  text(name: string): Promise<string> {
    return readFile(this.path(name), 'utf8');
  }

  exists(name: string): boolean {
    return existsSync(this.path(name));
  }

  async input(playbook: string, options: { hosts?: string; extraVars?: JsonObject; limit?: readonly string[] } = {}): Promise<RunInput> {
    await writeFile(this.path('play.yml'), playbook);
    await writeFile(this.path('hosts.yml'), options.hosts ?? 'all: { hosts: { h1: {}, h2: {}, h3: {} } }\n');
    const inputs = new InputFiles();
    return {
      playbook: await loadPlaybook(this.path('play.yml'), knownModules, inputs),
      inventory: await loadInventory([this.path('hosts.yml')], { inputs }),
      limit: options.limit ?? [],
      tags: [],
      skipTags: [],
      startAtTask: undefined,
      extraVars: { dir: this.dir, ...options.extraVars },
      forks: 5,
      become: false,
      engine: createTemplateEngine(),
      connector: { connect: (connection) => Promise.resolve(this.#target(connection.host)) },
      connectionOf: (host, vars) => hostConnection(host, { ...vars, ansible_connection: 'local' }),
      secrets: this.secrets,
      inputs,
      controllerActions: this.actions,
    };
  }

  async plan(playbook: string, options: Parameters<Workshop['input']>[1] = {}): Promise<RunResult> {
    this.events.length = 0;
    return makePlan(await this.input(playbook, options), this.#emit);
  }

  async deploy(playbook: string, options: Parameters<Workshop['input']>[1] = {}, signal = new AbortController().signal): Promise<RunResult> {
    this.events.length = 0;
    return runDeploy(await this.input(playbook, options), this.#emit, signal, { id: 'test', keepers: this.keepers });
  }

  /** How each finished task ended: `host name status`. */
  outcomes(): string[] {
    return this.finished().map(({ host, name, outcome }) => `${host} ${name} ${outcome.status}`);
  }

  finished(): { host: string; name: string; outcome: TaskOutcome }[] {
    return this.events.flatMap((event) => (event.type === 'task-finished' ? [{ host: event.host, name: event.task.name, outcome: event.outcome }] : []));
  }

  readonly #emit = (event: RunEvent): void => {
    this.events.push(event);
    this.onEvent(event);
  };

  #target(host: string): Target {
    const target = localTarget(hostConnection(host, { ansible_connection: 'local' }));
    if (!this.broken.has(host)) return target;
    const refuse = (): Promise<never> => Promise.reject(new LvsPlayError({ code: 'no-route', kind: 'unreachable', message: `${host}: no route`, host }));
    return { ...target, host, request: refuse, stats: () => target.stats(), reset: () => target.reset(), close: () => target.close() };
  }
}

/** A play whose tasks are given as YAML flow mappings, one a line. */
export function play(tasks: readonly string[], more: readonly string[] = [], hosts = 'all'): string {
  return [`- name: play`, `  hosts: ${hosts}`, '  gather_facts: false', ...more.map((line) => `  ${line}`), '  tasks:', ...tasks.map((task) => `    - ${task}`), ''].join('\n');
}
