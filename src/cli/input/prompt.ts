import { LvsPlayError } from '../../core/errors.ts';

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Two questions at once could not be told apart. */
let earlier: Promise<unknown> = Promise.resolve();

/**
 * Asks for a secret at the terminal; what is typed is not shown.
 * @throws LvsPlayError kind `usage` without a terminal, kind `interrupted` on Ctrl-C
 */
export async function askSecret(question: string, instead: string): Promise<string> {
  if (!canAsk()) {
    throw new LvsPlayError({ code: 'no-terminal', kind: 'usage', message: `cannot ask for "${question}": there is no terminal`, hint: instead });
  }
  const answer = earlier.then(() => ask(question));
  earlier = answer.catch(() => undefined);
  return answer;
}

async function ask(question: string): Promise<string> {
  process.stderr.write(`${question}: `);
  const { stdin } = process;
  const wasRaw = stdin.isRaw;
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  try {
    return await readSecret(stdin);
  } finally {
    stdin.setRawMode(wasRaw);
    stdin.pause();
    process.stderr.write('\n');
  }
}

const ENTER = new Set(['\r', '\n', '\u0004']);
const BACKSPACE = new Set(['\u0008', '\u007f']);

function readSecret(stdin: NodeJS.ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed: string[] = [];
    const stop = (): void => {
      stdin.removeListener('data', onData);
    };
    const onData = (chunk: string): void => {
      for (const char of chunk) {
        if (ENTER.has(char)) {
          stop();
          resolve(typed.join(''));
          return;
        }
        if (char === '\u0003') {
          stop();
          reject(new LvsPlayError({ code: 'interrupted', kind: 'interrupted', message: 'interrupted' }));
          return;
        }
        if (BACKSPACE.has(char)) typed.pop();
        else if (char === '\u0015') typed = [];
        else typed.push(char);
      }
    };
    stdin.on('data', onData);
  });
}

/** Asks a question at the terminal: only `y` or `yes` is a yes. @throws LvsPlayError kind `interrupted` on Ctrl-C */
export async function confirm(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const interrupted = new Promise<never>((_resolve, reject) => {
      lines.once('SIGINT', () => { reject(new LvsPlayError({ code: 'interrupted', kind: 'interrupted', message: 'interrupted' })); });
    });
    return /^y(?:es)?$/i.test((await Promise.race([lines.question(`${question} [y/N] `), interrupted])).trim());
  } finally {
    lines.close();
  }
}
