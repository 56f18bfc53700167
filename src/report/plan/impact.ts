import type { GuardFinding, Impact } from '../../impact/types.ts';
import { impactWords } from '../../impact/words.ts';
import { printable, type Style } from '../terminal/style.ts';

/** What a plan costs and which guards it meets. */
export interface Weight {
  readonly impact: Impact;
  readonly guards: readonly GuardFinding[];
}

/** The blocks `Impact:` and `Guards:` of a plan; none of them when there is nothing to say. Pure. */
export function weightBlocks({ impact, guards }: Weight, style: Style): string[] {
  const words = impactWords(impact).map(printable);
  return [
    ...(words.length === 0 ? [] : [[style.bold('Impact:'), ...words.map((line) => `  ${line}`)].join('\n')]),
    ...(guards.length === 0 ? [] : [[style.bold('Guards:'), ...guards.map((guard) => `  ${guardLine(guard, style)}`)].join('\n')]),
  ];
}

function guardLine({ rule, reason, allowed }: GuardFinding, style: Style): string {
  const verdict = allowed ? style.yellow('allowed') : style.red('refused');
  return `${verdict} ${rule}: ${printable(reason)}${allowed ? '' : `  (--allow ${rule} --reason "...")`}`;
}
