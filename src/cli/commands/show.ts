import { Command, Option } from 'commander';

/** `lvs-play show FILE`: what a saved plan says. */
export function showCommand(): Command {
  return new Command('show')
    .description('what a saved plan would do, what it costs, and until when it may be carried out')
    .argument('<plan>', 'file of plan -o')
    .option('--json', 'print one JSON document on stdout')
    .addOption(new Option('--markdown', 'for a change request').conflicts('json'))
    .action(async (file: string, options: { readonly json?: true; readonly markdown?: true }) => {
      const [{ appliedBy, readSavedPlan }, { savedPlanJson, savedPlanMarkdown, savedPlanText }, { colorOn, printResult }] = await Promise.all([
        import('../../plan/saved/file.ts'),
        import('../../report/plan/saved-plan.ts'),
        import('../output.ts'),
      ]);
      const plan = await readSavedPlan(file);
      const state = { applied: await appliedBy(file, plan), now: new Date() };
      if (options.json === true) printResult(`${JSON.stringify(savedPlanJson(plan, state), null, 2)}\n`);
      else printResult(options.markdown === true ? savedPlanMarkdown(plan, state) : savedPlanText(plan, state, colorOn(process.stdout)));
    });
}
