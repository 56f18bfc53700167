import path from 'node:path';
import { LvsPlayError } from '../core/errors.ts';
import { shellCommand, shellQuote } from '../core/text/quote.ts';
import type { ExecStep, PutStep, Step, StepOutcome } from './contract.ts';

/** Marks the temporary files that a `put` makes beside its target. */
const TEMPORARY = '.lvs-play.';

/**
 * Steps as one POSIX sh script: in order, up to the first that fails. After each step a line with the nonce, its index and exit code is
 * printed on stdout and on stderr, so that the output of each is known. What is not a script (wait, control, reboot) is refused.
 * @param nonce hexadecimal, unpredictable
 */
export function renderSteps(steps: readonly Step[], nonce: string): string {
  return steps
    .map((step, index) => {
      const accepted = okCodesOf(step).map(String).join('|');
      return [
        `(\n${renderStep(step, nonce)}\n)`,
        'rc=$?',
        `printf '\\n%s %d %d\\n' ${nonce} ${String(index)} "$rc"; printf '\\n%s %d %d\\n' ${nonce} ${String(index)} "$rc" >&2`,
        `case $rc in ${accepted}) ;; *) exit 0;; esac`,
      ].join('\n');
    })
    .join('\n');
}

export interface ParsedOutcomes {
  /** Of the steps that were begun. */
  readonly outcomes: StepOutcome[];
  /** Index of the step that failed. */
  readonly failed?: number;
}

/** Pure. A step whose end was not reported counts as failed. */
export function parseOutcomes(reply: { readonly stdout: Buffer; readonly stderr: Buffer }, steps: readonly Step[], nonce: string): ParsedOutcomes {
  const outcomes: StepOutcome[] = [];
  let out = reply.stdout.toString('utf8');
  let err = reply.stderr.toString('utf8');
  for (const [index, step] of steps.entries()) {
    const mark = new RegExp(`\\n${nonce} ${String(index)} (\\d+)\\n`);
    const outMark = mark.exec(out);
    const errMark = mark.exec(err);
    if (outMark === null || errMark === null) return { outcomes: [...outcomes, { exitCode: 255, stdout: out, stderr: err }], failed: index };
    const exitCode = Number(outMark[1]);
    outcomes.push({ exitCode, stdout: out.slice(0, outMark.index), stderr: err.slice(0, errMark.index) });
    out = out.slice(outMark.index + outMark[0].length);
    err = err.slice(errMark.index + errMark[0].length);
    if (!okCodesOf(step).includes(exitCode)) return { outcomes, failed: index };
  }
  return { outcomes };
}

function okCodesOf(step: Step): readonly number[] {
  return 'okCodes' in step ? step.okCodes : [0];
}

function renderStep(step: Step, nonce: string): string {
  switch (step.kind) {
    case 'script':
      return [...exportsOf(step.env), step.script].join('\n');
    case 'exec':
      return renderExec(step, nonce);
    case 'put':
      return renderPut(step, nonce);
    case 'wait':
    case 'reboot':
    case 'control':
      throw new Error(`step "${step.title}" is no script`);
  }
}

function exportsOf(env: Readonly<Record<string, string>> | undefined): string[] {
  return Object.entries(env ?? {}).map(([name, value]) => `export ${variableName(name)}=${shellQuote(value)}`);
}

function renderExec(step: ExecStep, nonce: string): string {
  const environment = exportsOf(step.env);
  const cd = step.cwd === undefined ? [] : [`cd -- ${shellQuote(step.cwd)} || exit 1`];
  const stdin = step.stdin === undefined ? '' : ` <<'${nonce}'\n${step.stdin}\n${nonce}`;
  const command = shellCommand(step.argv);
  if (step.uninterruptible !== true) return [...environment, ...cd, `${command}${stdin}`].join('\n');
  return [...environment, ...cd, uninterruptible(`${command}${stdin}`)].join('\n');
}

// A name cannot be quoted, so that anything but a name would be run.
function variableName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  throw new LvsPlayError({ code: 'bad-environment', kind: 'input', message: `environment: ${JSON.stringify(name)} is no name of a variable`, hint: 'letters, digits and underscores, no digit in front' });
}

/**
 * A command that goes on when the connection is lost: the signals that come with it are ignored, and its output goes to a file, as writing to
 * a pipe that nobody reads would end it.
 */
export function uninterruptible(command: string): string {
  return [
    'log=$(mktemp /tmp/lvs-play.XXXXXX) || exit 1',
    "( trap '' HUP PIPE INT TERM",
    command,
    ') >"$log" 2>&1',
    'rc=$?',
    'cat "$log"; rm -f "$log"',
    'exit $rc',
  ].join('\n');
}

function renderPut(step: PutStep, nonce: string): string {
  const directory = path.posix.dirname(step.path);
  const name = path.posix.basename(step.path);
  const temporary = path.posix.join(directory, `.${name}${TEMPORARY}${nonce}`);
  const target = shellQuote(step.path);
  const owner = [step.owner ?? '', step.group === undefined ? '' : `:${step.group}`].join('');
  // A link is replaced by a new file: what it points to is somebody else's, and so are its attributes.
  const isFile = `[ -e ${target} ] && [ ! -h ${target} ]`;
  const inherits = step.owner === undefined || step.group === undefined;
  return [
    `temporary=${shellQuote(temporary)}`,
    `[ -d ${shellQuote(directory)} ] || { printf '%s\\n' ${shellQuote(`directory ${directory} does not exist`)} >&2; exit 1; }`,
    // mv would put the file inside.
    `if [ -d ${target} ]; then printf '%s\\n' ${shellQuote(`${step.path} is a directory`)} >&2; exit 1; fi`,
    // What a run that was killed left behind.
    `rm -f -- ${shellQuote(path.posix.join(directory, `.${name}${TEMPORARY}`))}*`,
    'fail() { rm -f -- "$temporary"; exit 1; }',
    'umask 077',
    `base64 -d >"$temporary" <<'${nonce}' || fail`,
    ...wrapped(Buffer.from(step.content).toString('base64')),
    nonce,
    // busybox knows no --reference.
    ...(inherits ? [`if ${isFile}; then chown --reference=${target} -- "$temporary" 2>/dev/null || chown "$(stat -c %u:%g -- ${target})" "$temporary" || fail; fi`] : []),
    ...(owner === '' ? [] : [`chown ${shellQuote(owner)} "$temporary" || fail`]),
    step.mode === undefined ? `if ${isFile}; then chmod "$(stat -c %a -- ${target})" "$temporary" || fail; else chmod 0644 "$temporary" || fail; fi` : `chmod ${shellQuote(step.mode)} "$temporary" || fail`,
    ...(step.check === undefined ? [] : [`${shellCommand(step.check.map((word) => word.replaceAll('{}', () => temporary)))} || fail`]),
    'sync "$temporary" 2>/dev/null || :',
    `mv -f -- "$temporary" ${target} || fail`,
  ].join('\n');
}

/** Lines that no shell finds too long. */
function wrapped(base64: string): string[] {
  return base64.match(/.{1,1000}/g) ?? [''];
}
