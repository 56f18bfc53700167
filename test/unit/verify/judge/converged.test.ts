import { expect, it } from 'vitest';
import type { Plan, PlannedTask } from '../../../../src/plan/types.ts';
import { judgeConverged } from '../../../../src/verify/judge/converged.ts';

function task(host: string, paths: readonly string[], status: PlannedTask['status'] = paths.length > 0 ? 'change' : 'ok'): PlannedTask {
  return { host, task: { id: '1', name: 'x', module: 'copy' }, status, changes: paths.map((path) => ({ path, before: null, after: 'x' })), predicted: false, notifies: [] } as unknown as PlannedTask;
}

function plan(tasks: readonly PlannedTask[], lost: Partial<Plan> = {}): Plan {
  return { version: 1, createdAt: '2026-01-01T00:00:00Z', playbook: 'site.yml', inventory: 'hosts.yml', plays: [{ name: 'all', batches: [], tasks }], unreachable: {}, failed: {}, ...lost };
}

it.each<[string, Plan, string, string, RegExp]>([
  ['nothing', plan([task('rs1', []), task('rs1', [], 'runs')]), 'pass', 'nothing to change', /^$/],
  ['one change', plan([task('rs1', ['/etc/a'])]), 'fail', '1 change on 1 host', /^it would change rs1 \/etc\/a$/],
  ['many changes', plan([task('rs1', ['/a', '/b']), task('rs2', ['/a', '/b', '/c'])]), 'fail', '5 changes on 2 hosts', /rs1 \/a, rs1 \/b, rs2 \/a, and 2 more$/],
  ['a host that is away', plan([task('rs1', [])], { unreachable: { rs2: 'no route' } }), 'unknown', 'nothing to change on the hosts that answered', /^rs2 did not answer$/],
  ['a host that is away, and a change', plan([task('rs1', ['/a'])], { failed: { rs2: 'no sudo' } }), 'fail', '1 change on 1 host', /rs1/],
  ['what only a run tells', plan([task('rs1', [], 'deferred')]), 'skip', 'nothing to change, so far as can be told', /^1 task depends/],
])('%s', (_what, given, verdict, measured, reason) => {
  const check = judgeConverged(given);
  expect(check).toMatchObject({ name: 'converged', subject: 'site.yml', verdict, measured });
  expect(check.reason ?? '').toMatch(reason);
});
