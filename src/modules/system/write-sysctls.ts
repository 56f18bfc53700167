import { shellQuote } from '../../core/text/quote.ts';
import { sysctlPattern } from '../../facts/system/sysctl.ts';
import type { ScriptStep } from '../contract.ts';

/**
 * Sets kernel parameters, in order, up to the first that the kernel refuses. The shell writes them itself: sysctl(8) is a package that a small
 * host does not have.
 */
export function sysctlStep(title: string, values: Readonly<Record<string, string>>): ScriptStep {
  const lines = Object.entries(values).map(([name, value]) => {
    const refused = `printf '%s\\n' ${shellQuote(`cannot set ${name} to ${value}`)} >&2; exit 1`;
    if (!name.includes('*')) return `printf '%s\\n' ${shellQuote(value)} >${sysctlPattern(name)} || { ${refused}; }`;
    return `for file in ${sysctlPattern(name)}; do printf '%s\\n' ${shellQuote(value)} >"$file" || { ${refused}; }; done`;
  });
  return { kind: 'script', title, script: lines.join('\n'), stale: [{ fact: 'sysctl', key: '*' }] };
}
