import type { Json, JsonObject } from '../core/json.ts';
import { plainVars } from '../inventory/types.ts';
import { usesKeepalived } from '../lvs/host/director-script.ts';
import { directorModules, directorSysctls } from '../lvs/host/director.ts';
import { usesFirewall } from '../lvs/host/firewall/firewall.ts';
import { usesTunnels } from '../lvs/host/real-server.ts';
import type { Play, Task, VarLayer } from '../playbook/types.ts';
import type { Scope, TemplateEngine } from '../template/types.ts';
import type { CompiledPlay } from './compile/compile.ts';
import type { Site } from './site.ts';

/** What a host has learnt in the run so far: `set_fact` and registered results. */
export interface HostMemory {
  readonly facts: ReadonlyMap<string, Json>;
  readonly registered: ReadonlyMap<string, Json>;
}

/** Where in the run a scope is made for; `task` and `loop` undefined: the play as a whole. */
export interface ScopePlace {
  readonly host: string;
  readonly play: CompiledPlay;
  readonly batch: readonly string[];
  readonly task: Task | undefined;
  readonly loop: { readonly variable: string; readonly item: Json } | undefined;
}

/**
 * The variables a task sees on a host, by Ansible's precedence: role defaults < inventory < play vars, vars_files < role, include, block
 * and task vars < set_fact and registered results < `-e`.
 */
export class Scopes {
  readonly #site: Site;
  readonly #extraVars: JsonObject;
  readonly #engine: TemplateEngine;
  readonly #dryRun: boolean;
  readonly #playbookDir: string;
  #hostvars: JsonObject | undefined;

  constructor(options: { site: Site; extraVars: JsonObject; engine: TemplateEngine; dryRun: boolean; playbookDir: string }) {
    this.#site = options.site;
    this.#extraVars = options.extraVars;
    this.#engine = options.engine;
    this.#dryRun = options.dryRun;
    this.#playbookDir = options.playbookDir;
  }

  /** A host's own variables, without play or task: what a connection is made from. */
  hostScope(host: string): Scope {
    return { vars: { ...this.#inventoryVars(host), ...this.#extraVars, ...this.#names(host) } };
  }

  taskScope(place: ScopePlace, memory: HostMemory): Scope {
    const { play, host, task } = place;
    const vars: Record<string, Json> = {
      ...layers(play.play, task, ['role-defaults']),
      ...this.#inventoryVars(host),
      ...layers(play.play, task, ['play-vars']),
      ...layers(play.play, task, ['vars-files']),
      ...layers(play.play, task, ['role-vars', 'include-vars', 'block-vars', 'task-vars']),
      ...Object.fromEntries(memory.facts),
      ...Object.fromEntries(memory.registered),
      ...this.#extraVars,
      ...this.#names(host),
      ansible_play_name: play.play.name,
      ansible_play_hosts: play.batches.flat(),
      ansible_play_batch: [...place.batch],
      ...(task?.roleDir === undefined ? {} : { role_path: task.roleDir, role_name: task.roleDir.split('/').at(-1) ?? '' }),
      ...(place.loop === undefined ? {} : { [place.loop.variable]: place.loop.item }),
    };
    // Most expressions never look at other hosts, and the templates of all their variables are dear: rendered on first use.
    Object.defineProperty(vars, 'hostvars', { enumerable: true, get: () => (this.#hostvars ??= this.#allHostvars()) });
    return { vars, raw: new Set([...memory.registered.keys(), ...memory.facts.keys(), 'hostvars', ...(place.loop === undefined ? [] : [place.loop.variable])]) };
  }

  #inventoryVars(host: string): JsonObject {
    const vars = this.#site.inventory.hosts.get(host)?.vars;
    return vars === undefined ? {} : plainVars(vars);
  }

  #names(host: string): JsonObject {
    const { hosts, groups } = this.#site.inventory;
    const { topology } = this.#site;
    const director = topology?.directors.has(host) === true ? topology : undefined;
    return {
      // What the topology asks of a director's kernel, for roles to loop over.
      lvs_sysctls: director === undefined ? {} : directorSysctls(director, host),
      lvs_kernel_modules: director === undefined ? [] : directorModules(director, host),
      // Not on a director whose services are all filled by a script.
      lvs_uses_firewall: director !== undefined && usesFirewall(director, host),
      lvs_uses_keepalived: director !== undefined && usesKeepalived(director, host),
      // A TUN real server, which needs the firewall's program for a rule.
      lvs_uses_tunnels: topology !== undefined && usesTunnels(topology, host),
      inventory_hostname: host,
      inventory_hostname_short: host.split('.')[0] ?? host,
      group_names: [...groups.values()].filter((group) => group.name !== 'all' && group.hosts.includes(host)).map((group) => group.name).sort(),
      groups: Object.fromEntries([...groups].map(([name, group]) => [name, [...group.hosts]])),
      ansible_check_mode: this.#dryRun,
      playbook_dir: this.#playbookDir,
      ...(hosts.has(host) ? {} : { ansible_connection: 'local' }),
    };
  }

  #allHostvars(): JsonObject {
    return Object.fromEntries(
      [...this.#site.inventory.hosts.keys()].map((host) => {
        const scope = this.hostScope(host);
        return [host, Object.fromEntries(Object.entries(scope.vars).map(([name, value]) => [name, this.#renderedOrAsWritten(value, scope)]))];
      }),
    );
  }

  // One host's variable that cannot be rendered must not break a template that asks for another one.
  #renderedOrAsWritten(value: Json, scope: Scope): Json {
    try {
      return this.#engine.renderValue(value, scope);
    } catch {
      return value;
    }
  }
}

function layers(play: Play, task: Task | undefined, sources: readonly VarLayer['source'][]): JsonObject {
  const chosen = [...play.vars, ...(task?.vars ?? [])].filter((layer) => sources.includes(layer.source));
  return Object.assign({}, ...chosen.map((layer) => layer.vars.value)) as JsonObject;
}
