import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Json, JsonObject } from '../../core/json.ts';
import { splitWords } from '../../core/text/words.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import { splitBatches } from '../../plan/compile/batches.ts';
import type { Site } from '../../plan/site.ts';
import { displayPath } from '../../core/inputs.ts';
import type { Play, Playbook, Task } from '../../playbook/types.ts';
import { commandsAt, commandsOf, programFirst, withoutTemplates } from './commands.ts';
import type { LintPlay, LintTask, PlaybookCommand, PlaybookContext } from './types.ts';

/**
 * Lays a playbook over a site as rules want to see it, and reads the files that its tasks copy. A file that is not there or no text is left
 * out: plan tells of it.
 * @param isSecretValue whether a value of the inventory is one that must not be shown
 */
export async function playbookContext(playbook: Playbook, site: Site, topology: PlaybookContext['topology'], isSecretValue: (value: string) => boolean): Promise<PlaybookContext> {
  const plays = await Promise.all(playbook.plays.map((play) => lintPlay(play, site)));
  const secrets = new Set([...site.inventory.hosts.values()].flatMap(({ vars }) => [...vars].filter(([, { value }]) => typeof value === 'string' && isSecretValue(value)).map(([name]) => name)));
  return { topology, plays, isSecret: (name) => secrets.has(name) || /(?:^|_)(?:password|passwd|secret|token)$/i.test(name) };
}

async function lintPlay(play: Play, { inventory }: Site): Promise<LintPlay> {
  const { hosts, unmatched } = selectHosts(inventory, play.hosts);
  const all = [...play.tasks.map((task) => ({ task, handler: false })), ...play.handlers.map((task) => ({ task, handler: true }))];
  return { play, hosts, unmatched, batches: splitBatches(hosts, play.serial, play.position), tasks: await Promise.all(all.map(lintTask)) };
}

async function lintTask({ task, handler }: Pick<LintTask, 'task' | 'handler'>): Promise<LintTask> {
  const file = await copiedFile(task);
  const { content } = task.args.value;
  const inline = task.module === 'copy' && typeof content === 'string' ? content : '';
  return {
    task,
    handler,
    commands: commandsOfTask(task),
    copied: [...(isScript(inline) ? commandsAt(inline, task.args.locate(['content']) ?? task.position) : []), ...(file !== undefined && isScript(file.text) ? commandsOf(file.text, displayPath(file.path)) : [])],
    texts: [...textsIn(task.args.value), ...(file === undefined ? [] : [file.text])],
  };
}

function commandsOfTask({ module, args, position }: Task): readonly PlaybookCommand[] {
  const { cmd, argv } = args.value;
  if (module === 'shell' && typeof cmd === 'string') return commandsAt(cmd, args.locate(['cmd']) ?? position);
  if (module !== 'command') return [];
  const words = Array.isArray(argv) ? argv.map(String) : typeof cmd === 'string' ? wordsOf(withoutTemplates(cmd)) : [];
  const place = args.locate([Array.isArray(argv) ? 'argv' : 'cmd']) ?? position;
  return words.length === 0 ? [] : [{ position: place, argv: programFirst(words), text: words.join(' ') }];
}

/** What cannot be split is told by plan. */
function wordsOf(text: string): readonly string[] {
  try {
    return splitWords(text);
  } catch {
    return [];
  }
}

function isScript(text: string): boolean {
  return /^#!\s*\/\S*(?:sh|env (?:ba|da|k)?sh)\b/.test(text);
}

/** Where `plan/compile/controller-files.ts` would find it; names with templates in them are not known yet. */
async function copiedFile({ module, args, roleDir, baseDir }: Task): Promise<{ readonly path: string; readonly text: string } | undefined> {
  const { src } = args.value;
  if ((module !== 'copy' && module !== 'template') || typeof src !== 'string' || src.includes('{{')) return undefined;
  const kind = module === 'copy' ? 'files' : 'templates';
  const places = path.isAbsolute(src) ? [src] : [roleDir, baseDir].filter((dir) => dir !== undefined).flatMap((dir) => [path.join(dir, kind, src), path.join(dir, src)]);
  for (const place of places) {
    try {
      const text = await readFile(place, 'utf8');
      return text.includes('\0') ? undefined : { path: place, text };
    } catch {
      continue;
    }
  }
  return undefined;
}

function textsIn(value: Json | JsonObject): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
