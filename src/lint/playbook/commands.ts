import type { Position } from '../../core/errors.ts';
import { parseScript } from '../../import/shell/parse.ts';
import type { Statement, Word } from '../../import/shell/syntax.ts';
import type { PlaybookCommand } from './types.ts';

/** Every command of a script, under conditions and in functions too: what must not be run should not be there. Nothing is run or expanded. */
export function commandsOf(script: string, file: string): readonly PlaybookCommand[] {
  return flat(parseScript(withoutTemplates(script), file).statements);
}

/** The same, of a script within a playbook: every command has the place of the whole text. */
export function commandsAt(script: string, position: Position): readonly PlaybookCommand[] {
  return commandsOf(script, position.file).map((command) => ({ ...command, position }));
}

/** Templates become underscores, so that places stay and a filter's `|` is no pipe. */
export function withoutTemplates(text: string): string {
  return text.replaceAll(/\{\{[^]*?\}\}|\{%[^]*?%\}|\{#[^]*?#\}/g, (template) => template.replaceAll(/[^\n]/g, '_'));
}

function flat(statements: readonly Statement[]): PlaybookCommand[] {
  return statements.flatMap((statement) => {
    switch (statement.type) {
      case 'command':
        return [...(statement.input === undefined ? [] : flat([statement.input])), ...plain(statement)];
      case 'case':
        return statement.branches.flatMap((branch) => flat(branch.body));
      case 'if':
        return [...statement.branches.flatMap(({ test, body }) => [...flat(test), ...flat(body)]), ...flat(statement.otherwise)];
      case 'while':
        return [...flat(statement.test), ...flat(statement.body)];
      case 'for':
      case 'function':
        return flat(statement.body);
    }
  });
}

function plain({ words, position, text }: Extract<Statement, { type: 'command' }>): PlaybookCommand[] {
  const argv = programFirst(words.map(wordText));
  return argv.length === 0 ? [] : [{ position, argv, text: text.trim() }];
}

/** Words in front of a command that run it as it is. */
export function programFirst(words: readonly string[]): readonly string[] {
  const start = words.findIndex((word, index) => !PREFIXES.has(word) && !(index > 0 && word.startsWith('-')) && !/^\w+=/.test(word));
  const [program, ...rest] = start < 0 ? [] : words.slice(start);
  return program === undefined ? [] : [program.slice(program.lastIndexOf('/') + 1), ...rest];
}

const PREFIXES: ReadonlySet<string> = new Set(['sudo', 'nohup', 'exec', 'env', 'command', 'time', 'nice', '!']);

function wordText({ parts }: Word): string {
  return parts.map((part) => (part.type === 'text' || part.type === 'opaque' ? part.text : `$${part.name}`)).join('');
}
