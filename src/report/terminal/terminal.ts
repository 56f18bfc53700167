import { DefaultRenderer, Listr, type ListrDefaultRendererLogLevels, ListrLogger, type ListrTaskWrapper, ProcessOutput, type SimpleRenderer } from 'listr2';
import type { RunEvent } from '../../core/events.ts';
import { LostHosts, messageLine, stoppedLines, taskLines } from './plain.ts';
import type { ProgressOptions, Reporter } from './reporter.ts';
import { StageRows } from './rows.ts';
import { createStyle, printable, type Style } from './style.ts';

const REFRESH_MS = 1000;

type TaskHandle = ListrTaskWrapper<undefined, typeof StderrRenderer, typeof SimpleRenderer>;

/** listr2 asks stdout whether it is a terminal; the progress is on stderr, and stdout may well be a file. */
class StderrRenderer extends DefaultRenderer {
  static override nonTTY = true;
}

/** Progress at a terminal: for each stage (asking the hosts, then every batch) a row per host that lives until the stage ends. */
export function terminalReporter(stream: NodeJS.WriteStream, options: ProgressOptions): Reporter {
  return new TerminalReporter(stream, options);
}

class TerminalReporter implements Reporter {
  readonly #stream: NodeJS.WriteStream;
  readonly #options: ProgressOptions;
  readonly #style: Style;
  readonly #lost: LostHosts;
  #stage: Stage | undefined;
  /** Of the stage that the run is in, also while it is off the screen. */
  #rows: StageRows | undefined;
  #hosts: readonly string[] = [];
  /** What is shown, in order: listr2 must have let go of the screen before anything else is written. */
  #shown: Promise<void> = Promise.resolve();

  constructor(stream: NodeJS.WriteStream, options: ProgressOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#style = createStyle(options.color);
    this.#lost = new LostHosts((lines) => { this.#say(lines); }, this.#style);
  }

  handle(event: RunEvent): void {
    const style = this.#style;
    this.#lost.take(event);
    switch (event.type) {
      case 'run-started':
        this.#hosts = event.hosts;
        break;
      case 'host-gathering':
        if (this.#rows === undefined) this.#begin(new StageRows('asking', this.#hosts, event.at));
        break;
      case 'play-started':
        this.#say([style.bold(`PLAY [${event.play}]`)]);
        break;
      case 'batch-started':
        this.#begin(new StageRows(event.batch === 0 ? 'batch' : `batch ${String(event.batch + 1)}`, event.hosts, event.at));
        break;
      case 'task-finished':
        if (this.#isWorthTelling(event)) this.#say(taskLines(event, this.#options, style));
        break;
      case 'message':
        this.#say([messageLine(event, style)]);
        break;
      case 'pair-watched':
        this.#say([printable(event.text)]);
        break;
      case 'run-stopped':
        this.#say(stoppedLines(event, style));
        break;
      case 'plan-made':
      case 'batch-finished':
      case 'play-finished':
      case 'run-finished':
      case 'task-started':
      case 'host-lost':
        break;
    }
    this.#rows?.handle(event);
    this.#stage?.refresh();
    if (event.type === 'plan-made' || event.type === 'batch-finished' || event.type === 'run-finished') {
      this.#end();
      this.#rows = undefined;
    }
  }

  notice(text: string): void {
    if (this.#rows === undefined) {
      this.#say([text]);
      return;
    }
    this.#rows.notice = text;
    this.#stage?.refresh();
  }

  async quiet<T>(work: () => Promise<T>): Promise<T> {
    const rows = this.#rows;
    this.#end();
    await this.#shown;
    try {
      return await work();
    } finally {
      if (rows !== undefined && this.#stage === undefined) this.#begin(rows);
    }
  }

  async close(): Promise<void> {
    this.#lost.tell();
    this.#end();
    await this.#shown;
  }

  #isWorthTelling(event: Extract<RunEvent, { type: 'task-finished' }>): boolean {
    const { status } = event.outcome;
    if (event.task.module === 'debug') return status !== 'skipped';
    if (status === 'failed' || status === 'ignored') return true;
    return status === 'changed' ? this.#options.verbose || this.#options.diff : this.#options.verbose && status === 'ok';
  }

  #begin(rows: StageRows): void {
    this.#end();
    const stage = new Stage(rows, this.#stream, this.#style);
    this.#rows = rows;
    this.#stage = stage;
    this.#shown = this.#shown.then(() => stage.show());
  }

  #end(): void {
    this.#stage?.end();
    this.#stage = undefined;
  }

  // Said while a stage is on the screen, it comes below it once the stage has ended.
  #say(lines: readonly string[]): void {
    this.#shown = this.#shown.then(() => {
      this.#stream.write(lines.map((line) => `${line}\n`).join(''));
    });
  }
}

class Stage {
  readonly #rows: StageRows;
  readonly #style: Style;
  readonly #stream: NodeJS.WriteStream;
  readonly #handles = new Map<string, TaskHandle>();
  readonly #over: Promise<void>;
  #finish: () => void = () => undefined;
  #ended = false;

  constructor(rows: StageRows, stream: NodeJS.WriteStream, style: Style) {
    this.#stream = stream;
    this.#rows = rows;
    this.#style = style;
    this.#over = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  end(): void {
    this.#ended = true;
    this.refresh();
    this.#finish();
  }

  async show(): Promise<void> {
    const timer = setInterval(() => {
      this.refresh();
    }, REFRESH_MS);
    const logger = new ListrLogger<ListrDefaultRendererLogLevels>({ processOutput: new ProcessOutput(this.#stream, this.#stream), useIcons: true });
    const listr = new Listr<undefined, typeof StderrRenderer, typeof SimpleRenderer>(
      this.#rows.rows.map((name) => ({
        title: name,
        task: async (_context: undefined, task: TaskHandle): Promise<void> => {
          this.#handles.set(name, task);
          this.refresh();
          await this.#over;
          if (this.#rows.failed(name)) throw new Error(this.#text(name));
        },
      })),
      {
        concurrent: true,
        exitOnError: false,
        registerSignalListeners: false,
        renderer: StderrRenderer,
        rendererOptions: { logger, formatOutput: 'truncate' },
      },
    );
    try {
      await listr.run();
    } finally {
      clearInterval(timer);
    }
  }

  #text(name: string): string {
    return this.#rows.text(name, Date.now(), this.#ended, this.#style);
  }

  refresh(): void {
    for (const [name, handle] of this.#handles) handle.title = this.#text(name);
  }
}
