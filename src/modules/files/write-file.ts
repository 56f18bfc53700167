import { contentFact, contentOf } from '../../facts/files/content.ts';
import { type FactPatch, type FactReader, type FactRequest, patch, request } from '../../facts/contract.ts';
import { fileFact } from '../../facts/files/file.ts';
import { NEW_UNIT, unitFact } from '../../facts/system/unit.ts';
import type { Change, PutStep, Step } from '../contract.ts';
import { type Attributes, attributeChanges, modeOf, withAttributes } from './file-attributes.ts';
import { contentChange } from './text-change.ts';

/** A file as it shall be; the core of copy, template and all modules that write one. */
export interface WantedFile extends Attributes {
  readonly path: string;
  readonly content: Uint8Array;
}

export function fileRequests(path: string): FactRequest[] {
  return [request(contentFact, path), request(fileFact, path)] as FactRequest[];
}

export function fileChanges(wanted: WantedFile, facts: FactReader, more: Pick<Change, 'impact' | 'sensitive'> = {}): Change[] {
  const content = contentChange(wanted.path, facts.get(contentFact, wanted.path), wanted.content, more);
  const state = facts.get(fileFact, wanted.path);
  if (state.type === 'link' && content.length === 0) {
    // What a link points to is not ours to set the attributes of.
    const hasAttributes = wanted.mode !== undefined || wanted.owner !== undefined || wanted.group !== undefined;
    return hasAttributes ? [{ path: `${wanted.path} type`, before: 'link', after: 'file', ...more }] : [];
  }
  return state.type === 'absent' || state.type === 'link' ? content : [...content, ...attributeChanges(wanted.path, state, wanted)];
}

/** One `put` brings content and attributes at once. A link is written through to nothing: the link itself is replaced. */
export function fileStep(wanted: WantedFile, title: string, check?: readonly string[]): PutStep {
  return {
    kind: 'put',
    title,
    path: wanted.path,
    content: wanted.content,
    mode: modeOf(wanted.mode),
    owner: wanted.owner,
    group: wanted.group,
    ...(check === undefined ? {} : { check }),
    stale: fileStale(wanted.path),
  };
}

export function fileStale(path: string): Step['stale'] {
  return [
    { fact: 'content', key: path },
    { fact: 'file', key: path },
    ...(unitOfFile(path) === undefined ? [] : [{ fact: 'unit', key: '*' }]),
  ];
}

/** The unit that a file defines, or adds to; undefined for any other file. */
function unitOfFile(path: string): string | undefined {
  return /^\/(?:etc|run|lib|usr\/lib)\/systemd\/system\/([^/]+?)(?:\.d\/[^/]+\.conf)?$/.exec(path)?.[1];
}

/**
 * What a written file changes in the answers. A new unit file is a unit that is there and does nothing yet; one that is changed is read again before anything is done
 * to the unit.
 * @param isNew the file was not there before
 */
export function filePatches(wanted: WantedFile, isNew: boolean): FactPatch[] {
  const unit = unitOfFile(wanted.path);
  return [
    ...(unit === undefined ? [] : [patch(unitFact, unit, (state) => (!state.exists && isNew ? NEW_UNIT : { ...state, needsReload: state.active }))]),
    patch(contentFact, wanted.path, () => contentOf(wanted.content)),
    patch(fileFact, wanted.path, (state) => withAttributes(state.type === 'link' ? { ...state, type: 'absent' } : state, 'file', wanted)),
  ];
}
