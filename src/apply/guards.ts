import { InputErrors, LvsPlayError } from '../core/errors.ts';
import type { Located } from '../core/located.ts';
import { guardFindings } from '../impact/guards.ts';
import { impactOf } from '../impact/impact.ts';
import { type GuardLimits, readLimitsOf } from '../impact/limits.ts';
import type { GuardFinding, Impact } from '../impact/types.ts';
import { impactWords } from '../impact/words.ts';
import type { Inventory } from '../inventory/types.ts';
import type { RunInput } from '../plan/input.ts';
import type { PreparedRun } from '../plan/prepare.ts';
import type { RunKeeper } from './keeper.ts';

/** What a plan costs, and which rules it breaks. */
export interface Assessment {
  readonly impact: Impact;
  readonly guards: readonly GuardFinding[];
}

/** Weighs a plan whose hosts have been asked. Pure. @throws LvsPlayError kind `input` for wrong limits in the inventory */
export function assess(prepared: Pick<PreparedRun, 'compiled' | 'plan' | 'answers'>, input: Pick<RunInput, 'inventory' | 'extraVars'>, allow: readonly string[]): Assessment {
  const { topology } = prepared.compiled.site;
  const limits = limitsOf(input);
  const impact = impactOf(topology, prepared.plan, prepared.answers, namesOf(prepared.compiled.site.inventory));
  return { impact, guards: guardFindings(topology, prepared.plan, prepared.answers, impact, limits, allow) };
}

/** How much may be done at once, as the inventory has it. @throws LvsPlayError kind `input` */
export function limitsOf(input: Pick<RunInput, 'inventory' | 'extraVars'>): GuardLimits {
  return readLimitsOf(writtenLimits(input));
}

/** Hosts by the addresses that the inventory writes plainly. */
function namesOf(inventory: Inventory): ReadonlyMap<string, string> {
  return new Map(
    [...inventory.hosts.values()].flatMap(({ name, vars }) =>
      ['ansible_host', 'lvs_address'].flatMap((variable): [string, string][] => {
        const address = vars.get(variable)?.value;
        return typeof address === 'string' ? [[address, name]] : [];
      }),
    ),
  );
}

/** As the variable `lvs`: one for the whole inventory, and `-e` above it. */
function writtenLimits({ inventory, extraVars }: Pick<RunInput, 'inventory' | 'extraVars'>): Located | undefined {
  const extra = extraVars['lvs_guards'];
  if (extra !== undefined) return { value: extra, locate: () => undefined };
  return [...inventory.hosts.values()].find((host) => host.vars.has('lvs_guards'))?.vars.get('lvs_guards');
}

/**
 * Says what the plan costs, and refuses one that breaks a rule which nobody allowed.
 * @param options.onAllowed told of the rules that were broken by permission
 */
export function guardKeeper(options: { readonly allow: readonly string[]; readonly onAllowed: (findings: readonly GuardFinding[]) => void }): RunKeeper {
  return {
    name: 'guards',
    begin: ({ prepared, input, emit }) => {
      const { impact, guards } = assess(prepared, input, options.allow);
      const say = (level: 'info' | 'warning', text: string): void => {
        emit({ at: Date.now(), type: 'message', level, text: input.secrets.mask(text) });
      };
      for (const line of impactWords(impact)) say('info', `impact: ${line}`);
      const refused = guards.filter((finding) => !finding.allowed);
      if (refused.length > 0) return Promise.reject(refusal(refused, input));
      for (const { rule, reason } of guards) say('warning', `${reason}; allowed by --allow ${rule}`);
      if (guards.length > 0) options.onAllowed(guards);
      return Promise.resolve();
    },
  };
}

function refusal(findings: readonly GuardFinding[], { secrets }: Pick<RunInput, 'secrets'>): LvsPlayError {
  const errors = findings.map(
    ({ rule, reason }) =>
      new LvsPlayError({ code: `guard-${rule}`, kind: 'input', message: `guard ${rule}: ${secrets.mask(reason)}`, hint: `do it in smaller steps, or say that it is meant: --allow ${rule} --reason "..."` }),
  );
  return new InputErrors(errors as [LvsPlayError, ...LvsPlayError[]]);
}
