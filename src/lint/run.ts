import type { LvsPlayError } from '../core/errors.ts';
import type { Located } from '../core/located.ts';
import { RULES } from './rules.ts';
import type { Finding, Found, LintInput, LintRule, RuleText } from './types.ts';
import { covers, readWaivers, type Waiver } from './waivers.ts';

/** Runs every rule over a sound topology. Pure. */
export function checkTopology({ topology, lvs }: LintInput, rules: readonly LintRule[] = RULES): readonly Found[] {
  return rules.flatMap((rule) =>
    rule.check({ topology }).map((hit) => ({ rule: rule.id, severity: rule.severity, message: hit.message, position: lvs.locate(hit.path, hit.of ?? 'value'), hint: hit.hint, place: hit.path })),
  );
}

/**
 * Lets pass what is waived in the inventory. A waiver that lets nothing pass is a finding itself: what it was for is gone.
 * @param lvs the variable, which has the waivers
 * @param ran rules that looked, whether they found something or not
 * @param known every rule that may be waived, by those that did not run too
 */
export function withWaivers(found: readonly Found[], lvs: Located, ran: readonly RuleText[], known: readonly RuleText[] = ran): readonly Finding[] {
  const { waivers, problems } = readWaivers(lvs, new Set(known.map(({ id }) => id)));
  const used = new Set<Waiver>();
  const findings = found.map(({ place, ...one }): Finding => {
    const covering = waivers.filter((waiver) => waiver.rule === one.rule && covers(waiver, place, one.position));
    for (const waiver of covering) used.add(waiver);
    return { ...one, waived: covering[0]?.reason };
  });
  const looked = new Set(ran.map(({ id }) => id));
  const unused = waivers
    .filter((waiver) => looked.has(waiver.rule) && !used.has(waiver))
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
