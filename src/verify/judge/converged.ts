import type { Plan } from '../../plan/types.ts';
import { silentWords } from '../../observe/words.ts';
import type { MissingHost } from '../../observe/observation.ts';
import type { Check } from '../types.ts';

/** Changes that are named. */
const NAMED = 3;

/** A second run changes nothing: the plan of the playbook is empty. What only a run could decide, and a host that cannot be asked, is no proof. Pure. */
export function judgeConverged(plan: Plan): Check {
  const missing = missingIn(plan);
  const tasks = plan.plays.flatMap((play) => play.tasks);
  const changes = tasks.flatMap((row) => row.changes.map((change) => `${row.host} ${change.path}`));
  const hosts = new Set(tasks.filter((row) => row.changes.length > 0).map(({ host }) => host)).size;
  const check = { name: 'converged', subject: plan.playbook, expected: 'a run changes nothing', ...(missing.length === 0 ? {} : { missing }) } as const;
  if (changes.length > 0) {
    const more = changes.length > NAMED ? `, and ${String(changes.length - NAMED)} more` : '';
    return { ...check, verdict: 'fail', measured: `${String(changes.length)} ${changes.length === 1 ? 'change' : 'changes'} on ${String(hosts)} ${hosts === 1 ? 'host' : 'hosts'}`, reason: `it would change ${changes.slice(0, NAMED).join(', ')}${more}` };
  }
  if (missing.length > 0) return { ...check, verdict: 'unknown', measured: 'nothing to change on the hosts that answered', reason: silentWords(missing) };
  const deferred = tasks.filter(({ status }) => status === 'deferred').length;
  const open = [...(deferred === 0 ? [] : [`${String(deferred)} ${deferred === 1 ? 'task depends' : 'tasks depend'} on what only a run tells`])];
  return open.length === 0 ? { ...check, verdict: 'pass', measured: 'nothing to change' } : { ...check, verdict: 'skip', measured: 'nothing to change, so far as can be told', reason: open.join('; ') };
}

function missingIn({ unreachable, failed }: Plan): MissingHost[] {
  const of = (kind: MissingHost['kind'], hosts: Readonly<Record<string, string>>): MissingHost[] => Object.keys(hosts).map((host) => ({ host, kind }));
  return [...of('unreachable', unreachable), ...of('failed', failed)];
}
