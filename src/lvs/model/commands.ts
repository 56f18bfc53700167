import type { DataPath } from '../../core/located.ts';
import { suggest } from '../../core/text/suggest.ts';
import { splitWords } from '../../core/text/words.ts';
import { PLAIN_TEXT } from './schema/common.ts';
import type { RawCommand, RawNotify } from './schema/shape.ts';
import { didYouMean, type Problems } from './problems.ts';
import { type NotifyScripts, SCRIPT_FOLDER, type ScriptCommand, type ShippedScript } from './topology.ts';

/** The scripts that are shipped, checked. */
export function buildScripts(raw: ReadonlyMap<string, string>, problems: Problems): ReadonlyMap<string, ShippedScript> {
  for (const [name, content] of raw) {
    const path = ['scripts', name];
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)) {
      problems.add({ code: 'script-name', message: `${name} cannot be the name of a script`, path, of: 'key', hint: 'use letters, digits, _ . and -: it becomes a file' });
    }
    if (!/^#!\s*\//.test(content)) {
      problems.add({ code: 'script-interpreter', message: `script ${name} does not begin with #!`, path, hint: 'write its interpreter in the first line, e.g. #!/bin/sh: keepalived runs it without a shell' });
    }
  }
  return new Map([...raw].map(([name, content]) => [name, { name, content: content.endsWith('\n') ? content : `${content}\n` }]));
}

/** Programs that keepalived runs: `argv[0]` made absolute, each word fit for keepalived.conf. */
export class Commands {
  readonly #scripts: ReadonlySet<string>;
  readonly #problems: Problems;

  constructor(scripts: Iterable<string>, problems: Problems) {
    this.#scripts = new Set(scripts);
    this.#problems = problems;
  }

  parse(raw: RawCommand | undefined, path: DataPath, user?: string): ScriptCommand | undefined {
    if (raw === undefined) return undefined;
    const words = this.#words(raw, path);
    if (words === undefined) return undefined;
    const [program = ''] = words;
    const odd = words.find((word) => !new RegExp(PLAIN_TEXT).test(word) || /['\\]/.test(word) || word === '');
    if (odd !== undefined) {
      this.#problems.add({ code: 'command-characters', message: `${JSON.stringify(odd)} cannot be a word of a command`, path, hint: 'use printable characters without quotes, \\ # and $: keepalived.conf reads those otherwise; put the command into a script of lvs.scripts' });
    }
    if (user !== undefined && !/^[a-z_][a-z0-9_-]*$/.test(user)) {
      this.#problems.add({ code: 'command-user', message: `${user} is no user name`, path, hint: 'name a user of the director' });
    }
    if (program.startsWith('/')) return { argv: words, user };
    if (this.#scripts.has(program)) return { argv: [`${SCRIPT_FOLDER}/${program}`, ...words.slice(1)], user };
    const hint = `${didYouMean(suggest(program, this.#scripts))}write an absolute path, or add the script to lvs.scripts`;
    this.#problems.add({ code: 'unknown-script', message: `${program === '' ? 'the command' : program} is neither an absolute path nor a script of lvs.scripts`, path, hint });
    return { argv: words, user };
  }

  notify(raw: RawNotify | undefined, path: DataPath): NotifyScripts {
    const one = (key: keyof NotifyScripts): ScriptCommand | undefined => this.parse(raw?.[key], [...path, key]);
    return { master: one('master'), backup: one('backup'), fault: one('fault'), stop: one('stop'), any: one('any') };
  }

  #words(raw: RawCommand, path: DataPath): readonly string[] | undefined {
    if (typeof raw !== 'string') return raw;
    try {
      return splitWords(raw);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#problems.add({ code: 'command-words', message: `the command cannot be split into words: ${error.message}`, path, hint: 'close the quotes, or write the words as a list' });
      return undefined;
    }
  }
}
