import { type IpvsState, jsonOf, tableOf } from '../../facts/network/ipvs.ts';
import type { IpvsCommand } from '../../lvs/ipvs/commands.ts';
import { tableAfter } from '../../lvs/ipvs/commands.ts';
import type { IpvsTable } from '../../lvs/ipvs/types.ts';
import type { Change, Step } from '../contract.ts';

export const IPVS_STALE = [{ fact: 'ipvs', key: '*' }] as const;

/** Commands of ipvsadm as changes: `ipvs TCP 192.168.0.38:80 rs1 192.168.0.18:80`. */
export function ipvsChanges(commands: readonly IpvsCommand[]): Change[] {
  return commands.map(({ service, server, before, after, impact }) => ({
    path: ['ipvs', service, ...(server === undefined ? [] : [server])].join(' '),
    before,
    after,
    ...(impact === undefined ? {} : { impact }),
  }));
}

/** The same as steps: one ipvsadm each, in the order given. */
export function ipvsSteps(commands: readonly IpvsCommand[], okCodes: readonly number[] = [0]): Step[] {
  return commands.map(({ argv }) => ({ kind: 'exec', title: `ipvsadm ${argv.join(' ')}`, argv: ['ipvsadm', ...argv], okCodes, stale: IPVS_STALE }));
}

/** The answer expected afterwards. */
export function ipvsAfter(state: IpvsState, expected: IpvsTable, owned: ReadonlySet<string>): IpvsState {
  return { ...state, table: jsonOf(tableAfter(expected, tableOf(state), owned)) };
}
