import type { LvsPlayError } from '../core/errors.ts';
import { RULES } from './rules.ts';
import type { Finding, LintInput, LintRule } from './types.ts';
import { covers, readWaivers, type Waiver } from './waivers.ts';

/** Runs every rule over a sound topology. A waiver that lets nothing pass is a finding itself: what it was for is gone. Pure. */
export function lintTopology({ topology, lvs }: LintInput, rules: readonly LintRule[] = RULES): readonly Finding[] {
  const { waivers, problems } = readWaivers(lvs, new Set(rules.map(({ id }) => id)));
  const used = new Set<Waiver>();
  const findings = rules.flatMap((rule) =>
    rule.check({ topology }).map((hit): Finding => {
      const covering = waivers.filter((waiver) => waiver.rule === rule.id && covers(waiver, hit.path));
      for (const waiver of covering) used.add(waiver);
      return { rule: rule.id, severity: rule.severity, message: hit.message, position: lvs.locate(hit.path, hit.of ?? 'value'), hint: hit.hint, waived: covering[0]?.reason };
    }),
  );
  const unused = waivers
    .filter((waiver) => !used.has(waiver))
    .map((waiver): Finding => ({ rule: 'waiver', severity: 'warning', message: `the waiver of ${waiver.rule} lets nothing pass`, position: lvs.locate(waiver.path), hint: 'remove it', waived: undefined }));
  return sorted([...findings, ...problems, ...unused]);
}

/** Errors of the model as findings: they cannot be waived. */
export function modelFindings(errors: readonly LvsPlayError[]): readonly Finding[] {
  return sorted(errors.map((error) => ({ rule: error.code, severity: 'error', message: error.message, position: error.position, hint: error.hint, waived: undefined })));
}

/** By place, as a reader goes through the file. */
function sorted(findings: readonly Finding[]): readonly Finding[] {
  const key = ({ position }: Finding): [string, number, number] => [position?.file ?? '', position?.line ?? 0, position?.column ?? 0];
  return [...findings].sort((a, b) => {
    const [[fileA, lineA, columnA], [fileB, lineB, columnB]] = [key(a), key(b)];
    return fileA < fileB ? -1 : fileA > fileB ? 1 : lineA - lineB || columnA - columnB;
  });
}
