import { LvsPlayError } from '../../../src/core/errors.ts';
import { Observation, type Observed } from '../../../src/observe/observation.ts';
import type { ShellRequest } from '../../../src/transport/target.ts';

/** A host that refuses the connection, as the transport has it. */
export function refused(host: string): LvsPlayError {
  return new LvsPlayError({ code: 'connection-refused', kind: 'unreachable', host, message: `${host}: 192.0.2.${String(host.length)} port 22 refused the connection`, hint: 'is sshd running there, and is ansible_port right?' });
}

/** What hosts answered. @param answers by host; undefined: it is unreachable; an error: it failed */
export function seen<T extends object>(answers: Readonly<Record<string, T | LvsPlayError | undefined>>): Observation<T> {
  return new Observation(Object.entries(answers).map(([host, answer]) => [host, observed(host, answer)] as const));
}

function observed<T>(host: string, answer: T | LvsPlayError | undefined): Observed<T> {
  if (answer === undefined) return { kind: 'unreachable', error: refused(host) };
  if (answer instanceof LvsPlayError) return { kind: answer.kind === 'unreachable' ? 'unreachable' : 'failed', error: answer };
  return { kind: 'answered', value: answer };
}

/** What a shell prints that answers a question of observe/ask.ts with this text. */
export function answerTo({ script }: ShellRequest, text: string): string {
  const [, end] = /echo; echo ([0-9a-f]{24}); exit/.exec(script) ?? [];
  return end === undefined ? text : `${text}\n${end}\n`;
}
