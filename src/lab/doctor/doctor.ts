import { LvsPlayError, throwCollected } from '../../core/errors.ts';
import { memoryOf } from '../spec.ts';
import type { LabSpec } from '../spec.ts';
import type { Wanted } from './findings.ts';
import { gather, readPrivileges } from './gather.ts';
import { judge, privileges } from './judge.ts';
import type { Check } from './judge.ts';

/** A lab of four nodes, as most examples and the demo have. */
const USUAL: Wanted = { nodes: 4, memory: 4 * 160 * 1048576 };

/** Everything that a lab needs, tried on this machine. @param spec the lab that is meant; undefined: one of four nodes */
export async function examine(spec: LabSpec | undefined): Promise<Check[]> {
  return judge(await gather('whole'), wantedBy(spec));
}

/**
 * What can be known in some milliseconds of whether this lab can be brought up here.
 * @throws LvsPlayError `lab-requirements`, one for each thing that is lacking, with its fix
 */
export async function requireAll(spec: LabSpec): Promise<void> {
  throwCollected(judge(await gather('quick'), wantedBy(spec)).flatMap(lacking));
}

/** For what works on labs that are there: nothing need be installed to remove one. @throws LvsPlayError `lab-requirements` */
export async function requirePrivileges(): Promise<void> {
  throwCollected(lacking(privileges(await readPrivileges())));
}

function wantedBy(spec: LabSpec | undefined): Wanted {
  return spec === undefined ? USUAL : { nodes: spec.nodes.length, memory: memoryOf(spec) };
}

function lacking(check: Check): LvsPlayError[] {
  return check.ok ? [] : [new LvsPlayError({ code: 'lab-requirements', kind: 'machine', message: `a lab cannot run on this machine: ${check.name}: ${check.found}`, hint: check.fix })];
}

/** Pure: a row for each check, with its fix below. */
export function checksTable(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks.map(({ name, ok, found, fix }) => `${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(width)}  ${found}\n${fix === undefined ? '' : `${' '.repeat(8 + width)}fix: ${fix}\n`}`).join('');
}

/** Pure: the same as a document; `install` has the Debian packages that would mend something. */
export function checksDocument(checks: readonly Check[]): { readonly version: 1; readonly ok: boolean; readonly install: readonly string[]; readonly checks: readonly Check[] } {
  return { version: 1, ok: checks.every(({ ok }) => ok), install: [...new Set(checks.flatMap(({ install }) => install ?? []))], checks };
}
