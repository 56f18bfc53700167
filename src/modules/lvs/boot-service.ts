import { contentFact, contentOf, NO_CONTENT } from '../../facts/files/content.ts';
import { type FactPatch, type FactReader, type FactRequest, patch, request } from '../../facts/contract.ts';
import { ABSENT, fileFact } from '../../facts/files/file.ts';
import { NEW_UNIT, unitFact } from '../../facts/system/unit.ts';
import type { Change, Step } from '../contract.ts';
import { contentChange } from '../files/text-change.ts';
import { fileChanges, filePatches, fileRequests, fileStale, fileStep, type WantedFile } from '../files/write-file.ts';

/** A script of ours and the oneshot unit that runs it at boot. */
export interface BootService {
  readonly unit: string;
  readonly unitText: string;
  readonly script: string;
  /** Undefined: the host needs none, and the one that it has goes. */
  readonly scriptText: string | undefined;
}

function unitPath({ unit }: BootService): string {
  return `/etc/systemd/system/${unit}`;
}

function scriptFile({ script, scriptText = '' }: BootService): WantedFile {
  return { path: script, content: Buffer.from(scriptText), mode: '0755', owner: 'root', group: 'root' };
}

export function bootRequests(service: BootService): FactRequest[] {
  return [...fileRequests(service.script), request(contentFact, unitPath(service)), request(unitFact, service.unit)] as FactRequest[];
}

/** Changes of script and unit, in the order in which they are made. */
export function bootChanges(service: BootService, facts: FactReader): Change[] {
  const file = facts.get(contentFact, unitPath(service));
  const script = facts.get(contentFact, service.script);
  if (service.scriptText === undefined) {
    return [
      ...(file.state === 'absent' ? [] : [{ path: unitPath(service), before: 'file', after: null }]),
      ...(script.state === 'absent' ? [] : [{ path: service.script, before: 'file', after: null }]),
    ];
  }
  const unit = unitOf(service, facts);
  return [
    ...fileChanges(scriptFile(service), facts),
    ...contentChange(unitPath(service), file, Buffer.from(service.unitText)),
    ...(unit.enabled === 'enabled' ? [] : [{ path: `${service.unit} enabled`, before: false, after: true }]),
    ...(unit.active ? [] : [{ path: `${service.unit} state`, before: 'inactive', after: 'active' }]),
  ];
}

/** Steps that write script and unit, and the one that starts it, which comes after all that must be there before. */
export function bootSteps(service: BootService, changes: readonly Change[], stale: Step['stale']): { readonly write: Step[]; readonly start: Step[] } {
  const has = (path: string): boolean => changes.some((change) => change.path === path || change.path.startsWith(`${path} `));
  const systemctl = (title: string, ...words: string[]): Step => ({ kind: 'exec', title, argv: ['systemctl', ...words], stale: [...stale, { fact: 'unit', key: service.unit }] });
  const write: Step[] = [];
  if (has(service.script)) write.push(fileStep(scriptFile(service), `write ${service.script}`));
  if (changes.some((change) => change.path === unitPath(service))) {
    write.push(fileStep({ path: unitPath(service), content: Buffer.from(service.unitText), mode: '0644', owner: 'root', group: 'root' }, `write ${unitPath(service)}`));
    write.push(systemctl('read unit files again', 'daemon-reload'));
  }
  if (changes.some((change) => change.path === `${service.unit} enabled`)) write.push(systemctl(`enable ${service.unit}`, 'enable', service.unit));
  const start = changes.some((change) => change.path === `${service.unit} state`) ? [systemctl(`start ${service.unit}`, 'start', service.unit)] : [];
  return { write, start };
}

/**
 * Takes script and unit away. Stopped as well: without its file the unit would stay active, and then not be started when it comes back. The script
 * goes first, so that stopping finds nothing to run: what of its work goes is decided by whoever calls this.
 */
export function bootRemoval(service: BootService, changes: readonly Change[], stale: Step['stale']): Step[] {
  const path = unitPath(service);
  const steps: Step[] = [];
  if (changes.some((change) => change.path === service.script)) steps.push({ kind: 'exec', title: `remove ${service.script}`, argv: ['rm', '-f', '--', service.script], stale: fileStale(service.script) });
  if (!changes.some((change) => change.path === path)) return steps;
  const doubtful = [...stale, { fact: 'unit', key: service.unit }, ...fileStale(path)];
  return [
    ...steps,
    { kind: 'exec', title: `disable ${service.unit}`, argv: ['systemctl', 'disable', '--now', service.unit], stale: doubtful },
    { kind: 'exec', title: `remove ${path}`, argv: ['rm', '-f', '--', path], stale: doubtful },
    { kind: 'exec', title: 'read unit files again', argv: ['systemctl', 'daemon-reload'], stale: doubtful },
  ];
}

export function bootPatches(service: BootService): FactPatch[] {
  const path = unitPath(service);
  if (service.scriptText === undefined) {
    return [
      ...[service.script, path].map((gone) => patch(contentFact, gone, () => NO_CONTENT)),
      patch(fileFact, service.script, () => ABSENT),
      patch(unitFact, service.unit, () => ({ exists: false, active: false, enabled: '', needsReload: false })),
    ] as FactPatch[];
  }
  return [
    ...filePatches(scriptFile(service), false),
    patch(contentFact, path, () => contentOf(Buffer.from(service.unitText))),
    patch(unitFact, service.unit, () => ({ exists: true, active: true, enabled: 'enabled', needsReload: false })),
  ] as FactPatch[];
}

function unitOf(service: BootService, facts: FactReader): typeof NEW_UNIT {
  // Without its file there is no unit, whatever a package installed before is expected to bring.
  return facts.get(contentFact, unitPath(service)).state === 'absent' ? NEW_UNIT : facts.get(unitFact, service.unit);
}
