import { Command, Option } from 'commander';
import { InputErrors, LvsPlayError } from '../core/errors.ts';
import { suggest } from '../core/suggest.ts';
import type { explainRule } from '../lint/format.ts';
import type { Finding, RuleGroup } from '../lint/types.ts';
import { commonOptions, requireInventory, withInventory, type RawOptions } from './options.ts';
import { printResult } from './output.ts';

/** Set by the build. */
declare const LVS_PLAY_VERSION: string;

interface LintFlags extends RawOptions {
  readonly explain?: string;
  readonly list?: true;
  readonly strict?: true;
  readonly format: 'text' | 'json' | 'github' | 'sarif';
}

/** `lvs-play lint`: rules about the topology; exit code 1 when one of severity error fires, with --strict a warning too. */
export function lintCommand(): Command {
  return withInventory(new Command('lint').description('find what is wrong with a cluster before clients do; exit code 1 for errors'))
    .option('--explain <rule>', 'what a rule is about, why, and a bad and a good example')
    .option('--list', 'list the rules')
    .option('--strict', 'warnings count as errors')
    .addOption(new Option('--format <format>', 'how findings are printed').choices(['text', 'json', 'github', 'sarif']).default('text'))
    .option('--json', 'the same as --format json')
    .action(async (flags: LintFlags) => {
      process.exitCode = await lint(flags);
    });
}

async function lint(flags: LintFlags): Promise<number> {
  const [{ CATALOGUE }, { EXIT }, format] = await Promise.all([import('../lint/catalogue.ts'), import('./exit.ts'), import('../lint/format.ts')]);
  if (flags.explain !== undefined) {
    printResult(explanationOf(flags.explain, CATALOGUE, format.explainRule));
    return EXIT.ok;
  }
  if (flags.list === true) {
    printResult(format.listRules(CATALOGUE));
    return EXIT.ok;
  }
  const options = commonOptions(flags, process.env);
  requireInventory(options);
  const findings = await findingsOf(options);
  const shape = options.json ? 'json' : flags.format;
  const texts = { text: () => format.formatText(findings), json: () => format.formatJson(findings), github: () => format.formatGithub(findings), sarif: () => format.formatSarif(findings, CATALOGUE.flatMap(({ rules }) => rules), LVS_PLAY_VERSION) };
  printResult(texts[shape]());
  const counted = findings.filter(({ waived, severity }) => waived === undefined && (severity === 'error' || (flags.strict === true && severity === 'warning')));
  return counted.length > 0 ? EXIT.error : EXIT.ok;
}

/** Mistakes of the model are findings too; an inventory that cannot be read at all is an error like anywhere. */
async function findingsOf(options: ReturnType<typeof commonOptions>): Promise<readonly Finding[]> {
  const [{ readInventory }, { buildSite }, { createTemplateEngine }, { checkTopology, modelFindings, withWaivers }, { noTopology }, { RULES }] = await Promise.all([
    import('./run-input.ts'),
    import('../plan/site.ts'),
    import('../template/engine.ts'),
    import('../lint/run.ts'),
    import('./verify-action.ts'),
    import('../lint/rules.ts'),
  ]);
  const { inventory, extraVars } = await readInventory(options);
  try {
    const { topology, lvs } = buildSite(inventory, extraVars, createTemplateEngine());
    if (topology === undefined || lvs === undefined) throw noTopology();
    return withWaivers(checkTopology({ topology, lvs }), lvs, RULES);
  } catch (error) {
    if (error instanceof InputErrors) return modelFindings(error.errors);
    if (error instanceof LvsPlayError && error.kind === 'input' && error.position !== undefined) return modelFindings([error]);
    throw error;
  }
}

function explanationOf(id: string, groups: readonly RuleGroup[], explain: typeof explainRule): string {
  for (const group of groups) {
    const rule = group.rules.find((one) => one.id === id);
    if (rule !== undefined) return explain(rule, group);
  }
  const near = suggest(id, groups.flatMap(({ rules }) => rules.map((one) => one.id)));
  throw new LvsPlayError({ code: 'unknown-rule', kind: 'usage', message: `no rule is called ${id}`, hint: near === undefined ? 'lvs-play lint --list shows the rules' : `did you mean ${near}?` });
}
