import { impactWords } from '../../impact/words.ts';
import type { SavedPlan } from '../../plan/saved/types.ts';
import { changeLines } from './change.ts';
import { hostNames } from '../../observe/words.ts';
import { countPlan, formatPlan, plural, unknownOf } from './plan-text.ts';
import { createStyle, printable, type Style } from '../terminal/style.ts';

/** What is not in the document itself. */
export interface SavedPlanState {
  /** The run that carried it out, if one did. */
  readonly applied: { readonly run: string; readonly at: string } | undefined;
  readonly now: Date;
}

/** A saved plan for people: who made it and until when it holds, the plan itself, what it costs. Pure. */
export function savedPlanText(saved: SavedPlan, state: SavedPlanState, color: boolean): string {
  const style = createStyle(color);
  const width = Math.max(...facts(saved, state).map(([name]) => name.length));
  const head = facts(saved, state).map(([name, value]) => `${style.bold(`${name}:`)}${' '.repeat(width - name.length)} ${printable(value)}`);
  return `${head.join('\n')}\n\n${formatPlan(saved.plan, { diff: true, color, weight: saved })}`;
}

/** The same as one versioned document; fingerprints are of no use to a reader and are left out. Pure. */
export function savedPlanJson(saved: SavedPlan, state: SavedPlanState): object {
  const { version, id, tool, createdAt, expiresAt, author, directory, command, revision, plan, impact, guards } = saved;
  return {
    version,
    command: 'show',
    ...{ id, tool, createdAt, expiresAt, expired: isExpired(saved, state), applied: state.applied ?? null, author, directory, revision, options: command },
    inputs: saved.inputs.map(({ path }) => path),
    extraVars: { files: saved.extraVars.files, given: saved.extraVars.given.map(({ name }) => name) },
    ...{ unknown: unknownOf(plan), plan, counts: countPlan(plan), impact, impactText: impactWords(impact), guards },
  };
}

/** The same for a change request. Pure. */
export function savedPlanMarkdown(saved: SavedPlan, state: SavedPlanState): string {
  const { plan, impact, guards } = saved;
  const style: Style = createStyle(false);
  const words = impactWords(impact);
  const changes = plan.plays.flatMap((play) =>
    play.batches.flatMap((batch) =>
      batch.flatMap((host) => {
        const rows = play.tasks.filter((row) => row.host === host && row.changes.length > 0);
        if (rows.length === 0) return [];
        const lines = rows.flatMap((row) => [`# ${row.task.name}${row.predicted ? ' (predicted)' : ''}`, ...row.changes.flatMap((change) => changeLines(change, { diff: true, style }))]);
        return [`### ${text(host)}: ${text(play.name)}`, '', ...fenced(lines), ''];
      }),
    ),
  );
  const counts = countPlan(plan);
  const unknown = unknownOf(plan);
  return `${[
    `# Change plan ${saved.id}`,
    '',
    ...facts(saved, state).map(([name, value]) => `- **${name}**: ${text(value)}`),
    '',
    '## Impact',
    '',
    ...(words.length === 0 ? [`Nothing that clients or directors would notice${unknown.length === 0 ? '' : ', by the hosts that answered'}.`] : words.map((line) => `- ${text(line)}`)),
    '',
    ...(guards.length === 0 ? [] : ['## Guards', '', ...guards.map(({ rule, reason, allowed }) => `- ${allowed ? 'allowed' : '**refused**'} \`${rule}\`: ${text(reason)}`), '']),
    '## Changes',
    '',
    `${plural(counts.changes, 'change')} on ${plural(counts.hosts, 'host')}${unknown.length === 0 ? '' : `; unknown on ${text(hostNames(unknown))}, as no answer came`}.`,
    '',
    ...changes,
  ].join('\n').trimEnd()}\n`;
}

function facts(saved: SavedPlan, state: SavedPlanState): [string, string][] {
  const { command, revision, extraVars } = saved;
  const options = [...command.limit.map((limit) => `-l ${limit}`), ...command.tags.map((tag) => `-t ${tag}`), ...command.skipTags.map((tag) => `--skip-tags ${tag}`), ...extraVars.files.map((file) => `-e ${file}`), ...extraVars.given.map(({ name }) => `-e ${name}=...`)];
  return [
    ['Plan', `${saved.id}, ${command.playbook} on ${command.inventories.join(', ')}${options.length === 0 ? '' : ` (${options.join(' ')})`}`],
    ['Made', `${saved.createdAt} by ${saved.author} with lvs-play ${saved.tool}`],
    ['Expires', `${saved.expiresAt}${isExpired(saved, state) ? ' (expired)' : ''}`],
    ...(revision === null ? [] : [['Inventory', `revision ${revision.commit.slice(0, 12)}${revision.dirty ? ', with changes that are not committed' : ''}`] as [string, string]]),
    ...(command.reason === null ? [] : [['Reason', command.reason] as [string, string]]),
    ...(state.applied === undefined ? [] : [['Applied', `${state.applied.at} by run ${state.applied.run}`] as [string, string]]),
  ];
}

function isExpired(saved: SavedPlan, { now }: SavedPlanState): boolean {
  return now.getTime() > Date.parse(saved.expiresAt);
}

/** What a host said must not become markup. */
function text(value: string): string {
  return printable(value).replaceAll(/[\\`*_{}[\]<>#|]/g, (character) => `\\${character}`);
}

/** A fence longer than any in the text. */
function fenced(lines: readonly string[]): string[] {
  const longest = Math.max(2, ...lines.flatMap((line) => line.match(/`+/g) ?? []).map((ticks) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}diff`, ...lines.map(printable), fence];
}
