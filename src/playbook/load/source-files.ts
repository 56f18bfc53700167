import { stat } from 'node:fs/promises';
import { InputErrors, LvsPlayError, messageOf } from '../../core/errors.ts';
import { displayPath, type InputFiles } from '../../core/inputs.ts';
import { parseYaml } from '../../yaml/load.ts';
import { Node } from '../node.ts';

/** The YAML files of a playbook, each read once; errors of all of them go into one list. */
export class SourceFiles {
  readonly errors: LvsPlayError[];
  readonly #inputs: InputFiles;
  readonly #cache = new Map<string, Node | undefined>();

  constructor(errors: LvsPlayError[], inputs: InputFiles) {
    this.errors = errors;
    this.#inputs = inputs;
  }

  /**
   * @param file absolute
   * @param asker where the file was named, for the error when it cannot be read
   * @returns undefined when it cannot be read or is no YAML; the error is in the list then
   */
  async read(file: string, asker: Node | undefined): Promise<Node | undefined> {
    if (this.#cache.has(file)) return this.#cache.get(file);
    const node = await this.#load(file, asker);
    this.#cache.set(file, node);
    return node;
  }

  async #load(file: string, asker: Node | undefined): Promise<Node | undefined> {
    const shown = displayPath(file);
    let text: string;
    try {
      text = await this.#inputs.readText(file);
    } catch (error) {
      this.errors.push(
        new LvsPlayError({ code: 'unreadable-file', kind: 'input', message: `${shown} cannot be read: ${messageOf(error)}`, position: asker?.position(), cause: error }),
      );
      return undefined;
    }
    if (text.startsWith('$ANSIBLE_VAULT')) {
      this.errors.push(
        new LvsPlayError({
          code: 'vault-file',
          kind: 'input',
          message: `${shown} is encrypted with ansible-vault; encrypted files are read in the inventory only`,
          position: asker?.position(),
          hint: 'move its variables to group_vars or host_vars',
        }),
      );
      return undefined;
    }
    try {
      return new Node(parseYaml(text, shown), shown, this.errors);
    } catch (error) {
      if (!(error instanceof LvsPlayError)) throw error;
      this.errors.push(...(error instanceof InputErrors ? error.errors : [error]));
      return undefined;
    }
  }

  /** The first of the places that is a file. */
  async firstFile(places: readonly string[]): Promise<string | undefined> {
    for (const place of places) {
      const found = await stat(place).catch(() => undefined);
      if (found?.isFile() === true) return place;
    }
    return undefined;
  }

  /** The first of the places that is a directory. */
  async firstDirectory(places: readonly string[]): Promise<string | undefined> {
    for (const place of places) {
      const found = await stat(place).catch(() => undefined);
      if (found?.isDirectory() === true) return place;
    }
    return undefined;
  }
}
