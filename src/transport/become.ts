import { LvsPlayError } from '../core/errors.ts';
import { shellCommand, shellQuote } from '../core/text/quote.ts';
import type { Gate, ShellEnd } from './channel.ts';
import { lastLine, newNonce } from './frame.ts';

/**
 * Becoming another user by sudo. The password goes to sudo's stdin, and only when sudo has asked for it: sent unasked
 * (NOPASSWD, or a password remembered) it would be the first command of the shell.
 */

/** Under sudo the directory is the login user's, which the become user may not be allowed to enter. */
export const BECOME_INIT = 'cd "$HOME" 2>/dev/null || cd /\n';

/** A lecture and two prompts fit in here many times over. */
const SEEN_KEPT = 65_536;

export interface BecomeStart {
  /** Command line for the login shell, whichever it is: plain words and single quotes only. */
  readonly command: string;
  /** Undefined: sudo runs with -n, cannot ask, and frames may be sent at once. */
  readonly gate: Gate | undefined;
}

/** How to start the become shell. LC_ALL=C makes sudo speak the language that `explainBecomeEnd` understands. */
export function becomeStart(host: string, user: string, shell: string, password: string | undefined): BecomeStart {
  const sudo = ['env', 'LC_ALL=C', 'sudo', '-H', '-u', user];
  if (password === undefined) return { command: `exec ${shellCommand([...sudo, '-n', '--', shell])}`, gate: undefined };
  const nonce = newNonce();
  const prompt = `[${nonce}] password: `;
  const ready = `${nonce} ready`;
  return {
    command: `exec ${shellCommand([...sudo, '-S', '-p', prompt, '--', shell, '-c', `echo ${shellQuote(ready)}; exec ${shellQuote(shell)}`])}`,
    gate: sudoGate(host, user, password, prompt, ready),
  };
}

/** Answers the prompt once; the prompt a second time means that the password was wrong. */
export function sudoGate(host: string, user: string, password: string, prompt: string, ready: string): Gate {
  const seen = { stdout: '', stderr: '' };
  let answered = false;
  return {
    feed(stream, chunk) {
      seen[stream] = (seen[stream] + chunk.toString('latin1')).slice(-SEEN_KEPT);
      if (seen.stdout.includes(`${ready}\n`)) return { open: true };
      const prompts = seen.stderr.split(prompt).length - 1;
      if (prompts >= 2) return { failure: wrongPassword(host, user) };
      if (prompts === 1 && !answered) {
        answered = true;
        return { send: `${password}\n` };
      }
      return {};
    },
  };
}

/** The error for a become shell that ended before or between frames, from what sudo wrote. */
export function explainBecomeEnd(host: string, user: string, password: string | undefined, end: ShellEnd, stderr: string): LvsPlayError {
  if (/incorrect password attempt|Sorry, try again/.test(stderr)) return wrongPassword(host, user);
  if (/a password is required|no password was provided|a terminal is required to read the password/.test(stderr)) return missingPassword(host, user, password);
  const said = lastLine(stderr.split('\n').filter((line) => /sudo/.test(line)).join('\n')) ?? lastLine(stderr);
  // sudo repeats no password; this is for a PAM module or wrapper that would.
  const words = password === undefined || said === undefined ? said : said.replaceAll(password, '********');
  return new LvsPlayError({
    code: 'become-failed',
    kind: 'host',
    host,
    message: `${host}: sudo to ${user} failed: ${words ?? `it ended with ${end.exitCode === undefined ? String(end.signal) : `exit code ${String(end.exitCode)}`} and said nothing`}`,
    hint: becomeHint(stderr, end, user),
  });
}

function becomeHint(stderr: string, end: ShellEnd, user: string): string {
  if (end.exitCode === 127 || /sudo.*(not found|No such file)/.test(stderr)) return 'install sudo on the host, or log in as the become user (ansible_user)';
  if (/unknown user/.test(stderr)) return `the host has no user ${user}: check ansible_become_user`;
  if (/must have a tty/.test(stderr)) return 'remove `requiretty` from the sudoers file for this user';
  if (/not in the sudoers|not allowed|may not run/.test(stderr)) return `allow the login user to run all commands as ${user} in the sudoers file of the host`;
  return 'try sudo by hand on the host';
}

function wrongPassword(host: string, user: string): LvsPlayError {
  return new LvsPlayError({
    code: 'become-password',
    kind: 'host',
    host,
    message: `${host}: sudo refused the become password (to become ${user})`,
    hint: 'give the right one with -K or ansible_become_password',
  });
}

function missingPassword(host: string, user: string, password: string | undefined): LvsPlayError {
  if (password !== undefined) return wrongPassword(host, user);
  return new LvsPlayError({
    code: 'become-password-missing',
    kind: 'host',
    host,
    message: `${host}: sudo wants a password to become ${user}, and none was given`,
    hint: 'give it with -K or ansible_become_password, or allow NOPASSWD in the sudoers file of the host',
  });
}
