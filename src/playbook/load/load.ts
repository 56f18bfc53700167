import path from 'node:path';
import { throwCollected, type LvsPlayError } from '../../core/errors.ts';
import { displayPath, InputFiles } from '../../core/inputs.ts';
import { readVars, rootInherited, withDirectives, type Inherited } from './inherit.ts';
import { checkKeywords, IMPORT_PLAYBOOK } from '../keywords.ts';
import type { Node } from '../node.ts';
import { loadPlay, type DraftPlay } from './play.ts';
import { SourceFiles } from './source-files.ts';
import type { DraftTask, KnownModules, LoadState } from './state.ts';
import type { Play, Playbook, Task, VarLayer } from '../types.ts';

/** What an `import_playbook` puts around the plays it brings in. */
interface Around {
  readonly when: Inherited['when'];
  readonly tags: readonly string[];
  readonly vars: readonly VarLayer[];
  /** Absolute, outermost first. */
  readonly files: readonly string[];
}

/**
 * Reads a playbook with its roles, imports and includes.
 * @param modules what a task may name
 * @param inputs notes every file read
 * @throws LvsPlayError kind `input` for one error, InputErrors for several: those of all files, found in one pass
 */
export async function loadPlaybook(file: string, modules: KnownModules, inputs = new InputFiles()): Promise<Playbook> {
  const errors: LvsPlayError[] = [];
  const files = new SourceFiles(errors, inputs);
  const drafts = await loadFile(path.resolve(file), undefined, { when: [], tags: [], vars: [], files: [] }, files, modules);
  throwCollected(inPlaces(errors));
  return { file, plays: drafts.map(numbered) };
}

async function loadFile(file: string, asker: Node | undefined, around: Around, files: SourceFiles, modules: KnownModules): Promise<DraftPlay[]> {
  if (around.files.includes(file)) {
    asker?.fail({ code: 'include-cycle', message: `the playbook imports itself: ${[...around.files, file].map(displayPath).join(' -> ')}` });
    return [];
  }
  const node = await files.read(file, asker);
  if (node === undefined) return [];
  if (!Array.isArray(node.value)) {
    node.fail({ code: 'no-playbook', message: 'a playbook is a list of plays', hint: 'begin each play with `- hosts: ...`' });
    return [];
  }
  const inside = { ...around, files: [...around.files, file] };
  const plays: DraftPlay[] = [];
  for (const item of node.items() ?? []) {
    if (item.mapping() === undefined) continue;
    const imported = importKey(item);
    if (imported !== undefined) {
      plays.push(...(await loadImport(item, imported, file, inside, files, modules)));
      continue;
    }
    const state: LoadState = {
      errors: files.errors,
      modules,
      files,
      playbookDir: path.dirname(file),
      play: { handlers: [], roleDefaults: [], roleVars: [], rolesDone: new Set() },
    };
    const play = await loadPlay(item, around, state);
    if (play !== undefined) plays.push(play);
  }
  return plays;
}

function importKey(node: Node): string | undefined {
  return node.keys().find((key) => key === 'import_playbook' || key === 'ansible.builtin.import_playbook');
}

async function loadImport(node: Node, key: string, from: string, around: Around, files: SourceFiles, modules: KnownModules): Promise<DraftPlay[]> {
  checkKeywords(node, IMPORT_PLAYBOOK, new Set([key]));
  const target = node.child(key);
  const name = target.string();
  const scope = withDirectives(node, { ...rootInherited(path.dirname(from)), when: around.when, tags: around.tags }, undefined);
  const vars = readVars(node.get('vars'));
  if (name === undefined) return [];
  if (name.includes('{{')) {
    target.fail({ code: 'templated-include', message: 'the name of the playbook holds a template, but has to be known before any host is asked', hint: 'import each playbook by its name' });
    return [];
  }
  const inner: Around = {
    when: scope.when,
    tags: scope.tags,
    vars: [...around.vars, ...(vars === undefined ? [] : [{ source: 'play-vars' as const, vars }])],
    files: around.files,
  };
  return loadFile(path.resolve(path.dirname(from), name), target, inner, files, modules);
}

function numbered(draft: DraftPlay, index: number): Play {
  const give = (prefix: string) => (task: DraftTask, number: number): Task => ({ id: `${String(index)}.${prefix}${String(number)}`, ...task });
  return { ...draft, tasks: draft.tasks.map(give('')), handlers: draft.handlers.map(give('h')) };
}

/** In the order of their places, each once: a role used twice reports its errors twice. */
function inPlaces(errors: readonly LvsPlayError[]): LvsPlayError[] {
  const order = new Map<string, number>();
  for (const error of errors) if (error.position !== undefined && !order.has(error.position.file)) order.set(error.position.file, order.size);
  const key = (error: LvsPlayError): readonly [number, number, number] => {
    const { position } = error;
    return position === undefined ? [-1, 0, 0] : [order.get(position.file) ?? 0, position.line, position.column];
  };
  const unique = new Map(errors.map((error) => [JSON.stringify([error.position, error.code, error.message]), error]));
  return [...unique.values()].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    return x[0] - y[0] || x[1] - y[1] || x[2] - y[2];
  });
}
