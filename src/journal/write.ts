import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { LvsPlayError, messageOf } from '../core/errors.ts';
import type { StepLine } from './steps.ts';
import type { RunEnd, RunHeader } from './types.ts';

/** One run's folder in the journal, being written. What it is given must hold no secret. */
export class JournalWriter {
  readonly #dir: string;
  #header: RunHeader;
  readonly #lines: number;
  readonly #steps: number;
  #ended = false;

  /** @throws LvsPlayError `journal-unwritable`: a run that leaves no trace is not begun */
  constructor(root: string, header: RunHeader) {
    this.#dir = path.join(root, header.id);
    this.#header = header;
    try {
      mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
      this.#put('run.json', header);
      this.#lines = openSync(path.join(this.#dir, 'events.ndjson'), 'a', 0o600);
      this.#steps = openSync(path.join(this.#dir, 'steps.ndjson'), 'a', 0o600);
    } catch (cause) {
      throw new LvsPlayError({ code: 'journal-unwritable', kind: 'usage', message: `the journal cannot be written: ${messageOf(cause)}`, hint: 'XDG_STATE_HOME names another place for it', cause });
    }
  }

  get header(): RunHeader {
    return this.#header;
  }

  /** What is known only by now. */
  update(more: Partial<RunHeader>): void {
    this.#header = { ...this.#header, ...more };
    this.#put('run.json', this.#header);
  }

  /** One line, written at once: a run that is killed leaves what it had told. */
  line(text: string): void {
    writeSync(this.#lines, text);
  }

  /** What `resume` needs to know, before and after each task; see steps.ts. */
  step(line: StepLine): void {
    writeSync(this.#steps, `${JSON.stringify(line)}\n`);
  }

  /** Of a maintenance: how far it is; see maintain/maintenance.ts. */
  state(state: object): void {
    this.#put('state.json', state);
  }

  /** How it ended; what is said a second time counts for nothing. */
  end(end: RunEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#put('end.json', end);
  }

  close(): void {
    closeSync(this.#lines);
    closeSync(this.#steps);
  }

  /** Whole or not at all. */
  #put(name: string, value: object): void {
    const file = path.join(this.#dir, name);
    const descriptor = openSync(`${file}.new`, 'w', 0o600);
    writeFileSync(descriptor, `${JSON.stringify(value, null, 2)}\n`);
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(`${file}.new`, file);
  }
}
