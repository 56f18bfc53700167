import { DRILL_WORDS, type DrillResult, type Measured } from '../rehearse/drills/types.ts';
import { hostNames } from '../observe/words.ts';
import { sampleWords } from '../rehearse/sample/types.ts';
import type { Deployed, Rehearsal } from '../rehearse/types.ts';
import type { Style } from './terminal/style.ts';

/** A rehearsal for people: what was there, what changed, what each fault cost, and what does not hold. Pure. */
export function formatRehearsal(rehearsal: Rehearsal, style: Style): string {
  const { replica, deploy, again, verification, drills, skipped, left, seconds, margin, broken, ok, unknown } = rehearsal;
  const lines = [
    `${style.bold(rehearsal.playbook)} on a replica of ${rehearsal.inventory}: ${String(replica.sample.hosts.length)} nodes, from ${replica.start}`,
    ...sampleWords(replica.sample).map((line) => `  ${style.yellow(line)}`),
    '',
    ...(deploy === null ? [] : [`deploy       ${runWords(deploy)}`, ...hostLines(deploy)]),
    ...(again === null ? [] : [`once more    ${runWords(again)}`, ...hostLines(again)]),
    ...(verification === null ? [] : [`verify       ${verification.ok ? 'ok' : `FAILED: ${verification.failures.join('; ')}`} (${spell(verification.seconds)})`]),
    ...drills.flatMap((drill) => drillLines(drill, style)),
    ...(left === null ? [] : ['', `plan after the faults: ${runWords(left)}`, ...hostLines(left)]),
    ...skipped.map(({ drill, why }) => `${drill}: not made: ${why}`),
    '',
    ...broken.map((text) => `${style.red('broken')}  ${text}`),
    drills.length === 0 ? '' : style.dim(`Bounds are the configuration's own; measured with ${String(margin / 1000)} s to spare for a busy machine.`),
    `${ok === true ? style.green('Every promise was kept') : ok === null ? style.yellow(`No promise was broken on this replica; how ${hostNames(unknown)} would fare is unknown`) : style.red(`${String(broken.length)} ${broken.length === 1 ? 'promise was' : 'promises were'} broken`)}, in ${String(seconds)} s.`,
    '',
  ];
  return lines.filter((line, index) => line !== '' || lines[index - 1] !== '').join('\n');
}

function runWords({ code, changed, seconds, failures }: Deployed): string {
  const count = Object.values(changed).reduce((sum, number) => sum + number, 0);
  const result = code === 0 ? (count === 0 ? 'nothing changed' : `${String(count)} ${count === 1 ? 'change' : 'changes'}`) : `FAILED with exit code ${String(code)}: ${failures.join('; ')}`;
  return `${result} (${spell(seconds)})`;
}

function hostLines({ changes }: Deployed): string[] {
  const hosts = [...new Set(changes.map(({ host }) => host))].sort();
  return hosts.map((host) => `  ${host}: ${[...new Set(changes.filter((change) => change.host === host).map(({ task }) => task.replace(/ \(item=.*\)$/s, '')))].join('; ')}`);
}

const VERDICTS = { kept: 'kept', broken: 'BROKEN', unpromised: 'lost' } as const;

function drillLines({ drill, what, services, findings, seconds }: DrillResult, { bold, green, red, yellow }: Style): string[] {
  const marks = { kept: green, broken: red, unpromised: yellow };
  const width = Math.max(0, ...services.map(({ service }) => service.length));
  return [
    '',
    `${bold(drill)}  ${what.join(', ')}: ${DRILL_WORDS[drill]} (${spell(seconds)})`,
    ...services.flatMap((one) => [
      `  ${marks[one.verdict](VERDICTS[one.verdict].padEnd(6))}  ${one.service.padEnd(width)}  ${measuredWords(one)}; promised: ${one.promise.words}`,
      ...(one.reason === null ? [] : [`          ${' '.repeat(width)}  ${one.reason}`]),
    ]),
    ...findings.map(({ ok, text }) => `  ${ok ? green('ok    ') : red('BROKEN')}  ${text}`),
  ];
}

function measuredWords({ sent, failed, lost, gap }: Measured): string {
  const requests = failed === 0 || lost === null ? `${String(sent)} requests, none failed` : `${String(failed)} of ${String(sent)} requests failed, sent ${spell(lost.first / 1000)} to ${spell(lost.last / 1000)} after the fault`;
  return `${requests}; longest gap ${spell(gap / 1000)}`;
}

function spell(seconds: number): string {
  return `${seconds.toFixed(1)} s`;
}
