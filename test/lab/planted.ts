import { expect } from 'vitest';
import { lvsPlay, type TestLab } from './support.ts';

interface Report {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly subject: string; readonly verdict: string; readonly measured: string; readonly reason?: string }[];
}

/** Scripts by host. */
type Scripts = Readonly<Record<string, string>>;

/** What verification says is wrong, as `name subject: measured (reason)`. */
export async function faults(lab: TestLab): Promise<string[]> {
  const { code, stdout, stderr } = await lvsPlay(['verify', '-i', lab.overlay, '--requests', '8', '--json']);
  if (stdout === '') throw new Error(stderr);
  const report = JSON.parse(stdout) as Report;
  expect(code).toBe(report.ok ? 0 : 8);
  return report.checks.filter(({ verdict }) => verdict === 'fail').map(({ name, subject, measured, reason }) => `${name} ${subject}: ${measured}${reason === undefined ? '' : ` (${reason})`}`);
}

/** The lab is sound before, and again after, so that what is found is what was planted. */
export async function planted(lab: TestLab, plant: Scripts, found: RegExp, mend: Scripts): Promise<void> {
  const run = async (scripts: Scripts): Promise<void> => {
    for (const [host, script] of Object.entries(scripts)) await lab.sh(host, script);
  };
  await run(plant);
  try {
    const named = await untilNamed(lab, found);
    expect(named).toContainEqual(expect.stringMatching(found));
  } finally {
    await run(mend);
  }
  expect(await settledFaults(lab)).toEqual([]);
}

/** VRRP and health checks may have to come to rest. */
export async function settledFaults(lab: TestLab): Promise<string[]> {
  return until(lab, (is) => is.length === 0);
}

async function untilNamed(lab: TestLab, found: RegExp): Promise<string[]> {
  return until(lab, (is) => is.some((fault) => found.test(fault)));
}

async function until(lab: TestLab, holds: (faults: readonly string[]) => boolean): Promise<string[]> {
  for (let turn = 0; ; turn++) {
    const is = await faults(lab);
    if (holds(is) || turn === 8) return is;
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
}

export type Fault = readonly [what: string, plant: Scripts, found: RegExp, mend: Scripts];

const VIP = '192.168.0.38';

/** Faults of the example pair that every `npm test` plants: one of a table, one of a real server, one of a health check. */
export const COMMON_FAULTS: readonly Fault[] = [
  ['a wrong weight on one director', { lvs2: `ipvsadm -e -t ${VIP}:80 -r 192.168.0.18:80 -g -w 7` }, /^table lvs2: .*weight/, { lvs2: `ipvsadm -e -t ${VIP}:80 -r 192.168.0.18:80 -g -w 1` }],
  ['the virtual IP on the network card of a real server', { rs1: `ip addr add ${VIP}/32 dev eth0` }, /^host vip-on-network-card: .*rs1/, { rs1: `ip addr del ${VIP}/32 dev eth0` }],
  ['two holders', { lvs2: `ip addr add ${VIP}/32 dev eth0` }, /^holder 192\.168\.0\.38: held by lvs1 and lvs2/, { lvs2: `ip addr del ${VIP}/32 dev eth0` }],
];
