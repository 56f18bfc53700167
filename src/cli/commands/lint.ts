import { Command, Option } from 'commander';
import { InputErrors, LvsPlayError } from '../../core/errors.ts';
import { suggest } from '../../core/text/suggest.ts';
import type { explainRule } from '../../lint/format.ts';
import type { Finding, Found, LintInput, RuleGroup } from '../../lint/types.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import type { Site } from '../../plan/site.ts';
import type { Playbook } from '../../playbook/types.ts';
import type { OpenSite } from '../input/open-site.ts';
import { commonOptions, requireInventory, withConnection, withInventory, type CommonOptions, type RawOptions } from '../input/options.ts';
import type { Missing } from '../../observe/observation.ts';
import { namesOfMissing, unansweredWords } from '../../observe/words.ts';
import { printProgress, printResult, processSecrets } from '../output.ts';
import type { FoundLive } from './lint-live.ts';

/** Set by the build. */
declare const LVS_PLAY_VERSION: string;

interface LintFlags extends RawOptions {
  readonly explain?: string;
  readonly list?: true;
  readonly live?: true;
  readonly strict?: true;
  readonly format: 'text' | 'json' | 'github' | 'sarif';
}

/** `lvs-play lint`: rules about the topology and about playbooks, with --live about the hosts too; exit code 1 when one of severity error fires, with --strict a warning too. */
export function lintCommand(): Command {
  return withConnection(withInventory(new Command('lint').description('find what is wrong with a cluster before clients do; exit code 1 for errors')))
    .option('--explain <rule>', 'what a rule is about, why, and a bad and a good example')
    .option('--list', 'list the rules')
    .option('--live', 'look at the hosts too; nothing is changed there')
    .option('--strict', 'warnings count as errors')
    .addOption(new Option('--format <format>', 'how findings are printed').choices(['text', 'json', 'github', 'sarif']).default('text'))
    .option('--json', 'the same as --format json')
    .argument('[playbooks...]', 'playbooks to look at too')
    .action(async (playbooks: string[], flags: LintFlags) => {
      process.exitCode = await lint(playbooks, flags);
    });
}

async function lint(playbooks: readonly string[], flags: LintFlags): Promise<number> {
  const [{ CATALOGUE }, { EXIT, exitCodeOfHosts }, format] = await Promise.all([import('../../lint/catalogue.ts'), import('../exit.ts'), import('../../lint/format.ts')]);
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
  const live = flags.live === true;
  if (live) {
    const { enterLabIfNeeded } = await import('../../lab/enter.ts');
    const inside = await enterLabIfNeeded(options.inventories);
    if (inside !== undefined) return inside;
  }
  const { findings, missing } = await findingsOf(options, playbooks, live);
  const shape = options.json ? 'json' : flags.format;
  const texts = { text: () => format.formatText(findings), json: () => format.formatJson(findings, namesOfMissing(missing)), github: () => format.formatGithub(findings), sarif: () => format.formatSarif(findings, CATALOGUE.flatMap(({ rules }) => rules), LVS_PLAY_VERSION) };
  // Adverts and rules of firewalls are others' words.
  printResult(processSecrets.mask(texts[shape]()));
  if (missing.length > 0) printProgress(processSecrets.mask(`what the hosts are like is unknown where they gave no answer: ${unansweredWords(missing)}\n`));
  const counted = findings.filter(({ waived, severity }) => waived === undefined && (severity === 'error' || (flags.strict === true && severity === 'warning')));
  return exitCodeOfHosts(missing) ?? (counted.length > 0 ? EXIT.error : EXIT.ok);
}

/** Mistakes of the model and of playbooks are findings too; an inventory that cannot be read at all is an error like anywhere. */
async function findingsOf(options: CommonOptions, files: readonly string[], live: boolean): Promise<{ readonly findings: readonly Finding[]; readonly missing: readonly Missing[] }> {
  const [{ readInventory, readPlaybook }, { buildSite }, { createTemplateEngine }, { checkTopology, modelFindings, withWaivers }, { noTopology }, { RULES }, { reachSite }] = await Promise.all([
    import('../input/run-input.ts'),
    import('../../plan/site.ts'),
    import('../../template/engine.ts'),
    import('../../lint/run.ts'),
    import('../input/no-topology.ts'),
    import('../../lint/rules.ts'),
    import('../input/open-site.ts'),
  ]);
  const [{ PLAYBOOK_RULES }, { LIVE_RULES }] = await Promise.all([import('../../lint/playbook/rules.ts'), import('../../lint/live/rules.ts')]);
  const { inventory, extraVars } = await readInventory(options, files[0]);
  const mistakes: LvsPlayError[] = [];
  const engine = createTemplateEngine();
  const site = await orMistakes(mistakes, () => buildSite(inventory, extraVars, engine));
  const playbooks = await Promise.all(files.map((file) => orMistakes(mistakes, () => readPlaybook(file))));
  if (site === undefined) return { findings: modelFindings(mistakes), missing: [] };
  const { topology, lvs } = site;
  if (topology === undefined || lvs === undefined) throw noTopology();
  const read = playbooks.filter((playbook) => playbook !== undefined);
  const inPlaybooks = (await Promise.all(read.map((playbook) => orMistakes(mistakes, () => findInPlaybook(playbook, site, topology))))).flatMap((found) => found ?? []);
  const onHosts = live ? await findOnHosts({ topology, lvs }, () => reachSite(site, extraVars, engine, options), options.forks) : { found: [], missing: [] };
  const ran = [...RULES, ...(read.length > 0 && mistakes.length === 0 ? PLAYBOOK_RULES : []), ...(live && onHosts.missing.length === 0 ? LIVE_RULES : [])];
  const findings = [...modelFindings(mistakes), ...withWaivers([...checkTopology({ topology, lvs }), ...inPlaybooks, ...onHosts.found], lvs, ran, [...RULES, ...PLAYBOOK_RULES, ...LIVE_RULES])];
  return { findings, missing: onHosts.missing };
}

async function findOnHosts(input: LintInput, reach: () => Promise<OpenSite>, forks: number): Promise<FoundLive> {
  const { foundLive } = await import('./lint-live.ts');
  const opened = await reach();
  try {
    return await foundLive(input, opened.target, forks);
  } finally {
    await opened.close();
  }
}

async function findInPlaybook(playbook: Playbook, site: Site, topology: Topology): Promise<readonly Found[]> {
  const [{ playbookContext }, { checkPlaybook }] = await Promise.all([import('../../lint/playbook/read.ts'), import('../../lint/playbook/rules.ts')]);
  return checkPlaybook(await playbookContext(playbook, site, topology, (value) => processSecrets.mask(value) !== value));
}

/** Keeps mistakes in the input, which have a place, instead of ending with the first. */
async function orMistakes<T>(mistakes: LvsPlayError[], work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InputErrors) mistakes.push(...error.errors);
    else if (error instanceof LvsPlayError && error.kind === 'input' && error.position !== undefined) mistakes.push(error);
    else throw error;
    return undefined;
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
