import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commandOf, hasOption } from '../../../src/cli/hint-options.ts';
import { COMMANDS } from '../../../src/cli/registry.ts';
import { formatError } from '../../../src/report/error-text.ts';

const SRC = path.resolve(import.meta.dirname, '../../../src');

async function program(): Promise<Command> {
  const all = new Command('lvs-play').option('--version');
  for (const { load } of COMMANDS) all.addCommand(await load());
  return all;
}

/** Every command and sub-command that is called with options of its own, with the words that call it. */
function leaves(command: Command, words: readonly string[] = []): (readonly [string, readonly string[], Command])[] {
  const below = command.commands.flatMap((child) => leaves(child, [...words, child.name()]));
  return words.length === 0 ? below : [[words.join(' '), words, command] as const, ...below];
}

/** The strings of a source file, comments left out; what is put in at run time is a blank. */
function stringsOf(text: string): string[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...code.matchAll(/'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`|"((?:[^"\\\n]|\\.)*)"/g)].map(([, single, template, double]) => (single ?? template ?? double ?? '').replaceAll(/\$\{[^}]*\}/g, 'X'));
}

/** `lvs-play COMMAND ...` as texts name it, up to the end of the clause: the words, and the options among them. */
function calls(text: string): { readonly words: readonly string[]; readonly options: readonly string[] }[] {
  return text.split('lvs-play ').slice(1).map((rest) => {
    const words = (/^[^;,:()\n`'"&|]*/.exec(rest)?.[0] ?? '').trim().split(/\s+/);
    return { words, options: words.filter((word) => /^--?[a-z]/.test(word)).map((word) => (/^-v+$/.test(word) ? '-v' : (word.split('=')[0] ?? word))) };
  });
}

describe('a hint', () => {
  it('about a mistake of ours names -vvv only to commands that have it', async () => {
    const all = leaves(await program());
    expect(all.length).toBeGreaterThan(40);
    for (const [name, words, command] of all) {
      const asked = commandOf(await program(), [...words, '--json', 'operand']);
      expect(asked.name(), name).toBe(command.name());
      const stack = hasOption(asked, '--verbose') ? 'on-request' : 'always';
      const text = formatError(new TypeError('x is not a function'), { color: false, stack });
      expect(text.includes('-vvv'), name).toBe(command.options.some(({ long }) => long === '--verbose'));
    }
    expect(all.filter(([, , command]) => hasOption(command, '-v')).map(([name]) => name)).toContain('deploy');
    expect(all.filter(([, , command]) => !hasOption(command, '-v')).map(([name]) => name)).toContain('lab up');
  });

  it('names only commands and options that there are', async () => {
    const all = await program();
    const known = new Set(COMMANDS.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias])));
    const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const wrong: string[] = [];
    let options = 0;
    for (const file of files) {
      for (const text of stringsOf(readFileSync(path.join(SRC, file), 'utf8'))) {
        for (const call of calls(text)) {
          const [first = ''] = call.words;
          // Prose: `lvs-play sees ...`. A sub-command, with options, must be one.
          if (!known.has(first)) {
            if (/^[a-z]/.test(first) && call.options.length > 0) wrong.push(`${file}: ${call.words.join(' ')}`);
            continue;
          }
          const command = commandOf(all, call.words);
          // What follows `--` is another program's.
          const own = call.words.includes('--') ? call.options.filter((option) => call.words.indexOf(option) < call.words.indexOf('--')) : call.options;
          options += own.length;
          for (const option of own) if (!hasOption(command, option)) wrong.push(`${file}: ${option} in: ${call.words.join(' ')}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(options).toBeGreaterThan(20);
  });

  it('of the lab calls nothing a mistake of ours: what fails there is the machine, or what was asked for', () => {
    const files = readdirSync(path.join(SRC, 'lab'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    expect(files.filter((file) => readFileSync(path.join(SRC, 'lab', file), 'utf8').includes("kind: 'internal'"))).toEqual([]);
  });
});
