import type { Evidence } from '../../../src/evidence/types.ts';
import { reportOf } from '../../../src/verify/report.ts';
import type { MeasuredCheck } from '../../../src/verify/types.ts';

const BEGUN = Date.parse('2026-01-01T00:00:00Z');

export const CHECKS: readonly MeasuredCheck[] = [
  { name: 'holder', subject: '192.168.0.38', verdict: 'pass', measured: 'held by lvs1', expected: 'one', at: '2026-01-01T00:00:01.000Z' },
  { name: 'requests', subject: 'web', from: 'client1', verdict: 'fail', measured: '0 of 20 answered', expected: 'all answered', reason: 'refused <by> "nobody" & co', at: '2026-01-01T00:00:02.500Z' },
  { name: 'spread', subject: 'web', verdict: 'skip', measured: 'not measured', expected: 'even', reason: 'no director holds the VIP', at: '2026-01-01T00:00:03.000Z' },
];

export function evidence(change: Partial<Evidence> = {}): Evidence {
  const report = reportOf(CHECKS, ['controller', 'client1'], BEGUN, BEGUN + 4000);
  return {
    format: 'lvs-play evidence', version: 1, tool: '0.1.0', operator: 'alice@ops1', command: 'lvs-play verify -i hosts.yml', inventory: { files: ['hosts.yml'], topology: 'sha256:00' },
    begun: report.begun, ended: report.ended, vantages: report.from, report, pulses: [], ...change,
  };
}
