import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExecStep, PutStep, ScriptStep, Step } from '../../../src/modules/contract.ts';
import { parseOutcomes, type ParsedOutcomes, renderSteps } from '../../../src/modules/render-steps.ts';

const NONCE = '0123456789abcdef';
const SHELLS = [
  ['dash', []],
  ['busybox', ['sh']],
] as const;

let dir: string;
const at = (name: string) => path.join(dir, name);

beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), "lvs play'steps $(x)-"));
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const exec = (argv: string[], more: Partial<ExecStep> = {}): ExecStep => ({ kind: 'exec', title: 'step', argv, stale: [], ...more });
const script = (text: string, more: Partial<ScriptStep> = {}): ScriptStep => ({ kind: 'script', title: 'step', script: text, stale: [], ...more });
const put = (file: string, content: string | Uint8Array, more: Partial<PutStep> = {}): PutStep => ({ kind: 'put', title: 'step', path: file, content: Buffer.from(content), stale: [], ...more });

describe.each(SHELLS)('under %s', (program, args) => {
  const run = (steps: readonly Step[]): ParsedOutcomes => {
    const { stdout, stderr } = spawnSync(program, [...args], { input: `(\numask 022\n${renderSteps(steps, NONCE)}\n) </dev/null\n`, maxBuffer: 1 << 26 });
    return parseOutcomes({ stdout, stderr }, steps, NONCE);
  };

  it('tells the output of each step apart, and stops at the first that fails', () => {
    const steps = [exec(['printf', 'no newline']), script('echo out; echo err >&2'), exec(['sh', '-c', 'echo wrong >&2; exit 7']), exec(['touch', at('never')])];
    expect(run(steps)).toEqual({
      outcomes: [
        { exitCode: 0, stdout: 'no newline', stderr: '' },
        { exitCode: 0, stdout: 'out\n', stderr: 'err\n' },
        { exitCode: 7, stdout: '', stderr: 'wrong\n' },
      ],
      failed: 2,
    });
    expect(existsSync(at('never'))).toBe(false);
  });

  it('goes on after an exit code that is no failure', () => {
    const { outcomes, failed } = run([script('exit 3', { okCodes: [0, 3] }), exec(['echo', 'on'])]);
    expect(failed).toBeUndefined();
    expect(outcomes.map((outcome) => outcome.exitCode)).toEqual([3, 0]);
  });

  it('keeps variables, directory and exit of a script to itself', () => {
    const { outcomes } = run([script('cd /; leaked=yes; exit 0'), script('echo "${leaked-unset}"')]);
    expect(outcomes[1]?.stdout).toBe('unset\n');
  });

  it.each([false, true])('passes environment, directory, stdin and every argument unharmed (uninterruptible: %s)', (uninterruptible) => {
    const odd = ['', ' ', "it's", '$(touch pwned)', 'a\nb', '-n', '*', '\\', 'ünï'];
    mkdirSync(at('work dir'));
    const tell = 'for word in "$@"; do printf "[%s]" "$word"; done; printf " %s %s " "$ODD" "${PWD##*/}"; cat';
    const { outcomes, failed } = run([exec(['sh', '-c', tell, 'sh', ...odd], { env: { ODD: '$(id) "x"' }, cwd: at('work dir'), stdin: 'a $b `c`\nEOF', uninterruptible })]);
    expect(failed).toBeUndefined();
    expect(outcomes[0]?.stdout).toBe(`${odd.map((word) => `[${word}]`).join('')} $(id) "x" work dir a $b \`c\`\nEOF\n`);
    expect(readdirSync(at('work dir'))).toEqual([]);
  });

  it('passes any words, environment and directory', () => {
    const text = fc.string({ maxLength: 30, unit: 'binary' }).map((word) => word.replaceAll('\0', ''));
    const name = text.filter((word) => word !== '' && word !== '.' && word !== '..' && !word.includes('/'));
    // Neither base64 nor a second shell: what arrives is told byte by byte.
    const tell = 'for word in "$@" "$ODD" "${PWD##*/}"; do printf "%s\\0" "$word"; done';
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), text, name, (words, odd, directory) => {
        mkdirSync(at(directory));
        const { outcomes, failed } = run([exec(['sh', '-c', tell, 'sh', ...words], { env: { ODD: odd }, cwd: at(directory) })]);
        rmSync(at(directory), { recursive: true });
        expect(failed).toBeUndefined();
        expect(outcomes[0]?.stdout).toBe([...words, odd, directory].map((word) => `${word}\0`).join(''));
      }),
      { numRuns: 40 },
    );
  });

  it('takes no mark of another run for its own', () => {
    const { outcomes, failed } = run([script("printf '\\ndeadbeef 0 1\\n%s 9 1\\n' " + NONCE), exec(['echo', 'on'])]);
    expect(failed).toBeUndefined();
    expect(outcomes.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual([
      [0, `\ndeadbeef 0 1\n${NONCE} 9 1\n`],
      [0, 'on\n'],
    ]);
  });

  it('reports a directory that is not there', () => {
    const { outcomes, failed } = run([exec(['true'], { cwd: at('missing') })]);
    expect(failed).toBe(0);
    expect(outcomes[0]?.stderr).toContain('missing');
  });

  it('gives the exit code and output of what must not be cut short', () => {
    const { outcomes } = run([exec(['sh', '-c', 'echo out; echo err >&2; exit 4'], { uninterruptible: true })]);
    expect(outcomes).toEqual([{ exitCode: 4, stdout: 'out\nerr\n', stderr: '' }]);
  });

  it('does not end an uninterruptible step with the signals that come with a lost connection', () => {
    const { outcomes } = run([exec(['sh', '-c', 'kill -HUP $$; kill -TERM $$; kill -INT $$; kill -PIPE $$; echo done'], { uninterruptible: true })]);
    expect(outcomes[0]).toMatchObject({ exitCode: 0, stdout: 'done\n' });
  });

  it('writes a new file as 0644, whatever the umask', () => {
    expect(run([put(at('new'), 'text\n')]).failed).toBeUndefined();
    expect(readFileSync(at('new'), 'utf8')).toBe('text\n');
    expect(statSync(at('new')).mode & 0o7777).toBe(0o644);
    expect(readdirSync(dir)).toEqual(['new']);
  });

  it('keeps the mode of a file, unless another is given', () => {
    writeFileSync(at('old'), 'old');
    chmodSync(at('old'), 0o604);
    run([put(at('old'), 'new')]);
    expect(statSync(at('old')).mode & 0o7777).toBe(0o604);
    run([put(at('old'), 'newer', { mode: '0440' })]);
    expect(statSync(at('old')).mode & 0o7777).toBe(0o440);
    expect(readFileSync(at('old'), 'utf8')).toBe('newer');
  });

  it('keeps what is not given of owner and group', () => {
    writeFileSync(at('old'), 'old');
    execFileSync('chown', ['daemon:bin', at('old')]);
    const owned = () => execFileSync('stat', ['-c', '%U:%G', at('old')], { encoding: 'utf8' }).trim();
    run([put(at('old'), 'new')]);
    expect(owned()).toBe('daemon:bin');
    run([put(at('old'), 'new', { group: 'adm' })]);
    expect(owned()).toBe('daemon:adm');
    run([put(at('old'), 'new', { owner: 'root' })]);
    expect(owned()).toBe('root:adm');
    const { failed, outcomes } = run([put(at('old'), 'refused', { owner: 'nobody-of-that-name' })]);
    expect(failed).toBe(0);
    expect(outcomes[0]?.stderr).toContain('nobody-of-that-name');
    expect(readFileSync(at('old'), 'utf8')).toBe('new');
    expect(readdirSync(dir)).toEqual(['old']);
  });

  it('replaces a link itself', () => {
    writeFileSync(at('real'), 'real');
    symlinkSync('real', at('link'));
    run([put(at('link'), 'own')]);
    expect(readFileSync(at('real'), 'utf8')).toBe('real');
    expect(readFileSync(at('link'), 'utf8')).toBe('own');
  });

  it.each([
    ['directory', 'missing/file', /directory .*missing does not exist/],
    ['the path is a directory', '.', /is a directory/],
  ])('refuses: %s', (_name, file, message) => {
    const { outcomes, failed } = run([put(at(file), 'x')]);
    expect(failed).toBe(0);
    expect(outcomes[0]?.stderr).toMatch(message);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('has the file checked before it is put in place', () => {
    writeFileSync(at('conf'), 'old');
    const check = ['sh', '-c', 'echo "looked at" >&2; grep -q good "$1"', 'check', '{}'];
    const refused = run([put(at('conf'), 'bad', { check })]);
    expect(refused.failed).toBe(0);
    expect(refused.outcomes[0]?.stderr).toContain('looked at');
    expect(readFileSync(at('conf'), 'utf8')).toBe('old');
    expect(run([put(at('conf'), 'good', { check })]).failed).toBeUndefined();
    expect(readFileSync(at('conf'), 'utf8')).toBe('good');
    expect(readdirSync(dir)).toEqual(['conf']);
  });

  it('clears what a killed run left of this file, and of no other', () => {
    writeFileSync(at('.conf.lvs-play.dead'), 'half');
    writeFileSync(at('.other.lvs-play.dead'), 'half');
    run([put(at('conf'), 'whole')]);
    expect(readdirSync(dir).sort()).toEqual(['.other.lvs-play.dead', 'conf']);
  });

  it('a full disk leaves the old file and says so', () => {
    mkdirSync(at('small'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at('small')]);
    try {
      writeFileSync(at('small/conf'), 'old');
      const { outcomes, failed } = run([put(at('small/conf'), 'x'.repeat(200_000))]);
      expect(failed).toBe(0);
      expect(outcomes[0]?.stderr).toMatch(/no space left/i);
      expect(readFileSync(at('small/conf'), 'utf8')).toBe('old');
      expect(readdirSync(at('small'))).toEqual(['conf']);
    } finally {
      execFileSync('umount', [at('small')]);
    }
  });

  it('carries any bytes under any name', () => {
    const name = fc.string({ minLength: 1, maxLength: 20, unit: 'binary-ascii' }).filter((text) => !/[\0/]/.test(text) && text !== '.' && text !== '..');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), name, (content, file) => {
        expect(run([put(at(file), content)]).failed).toBeUndefined();
        expect(Buffer.compare(readFileSync(at(file)), Buffer.from(content))).toBe(0);
        rmSync(at(file));
      }),
      { numRuns: 25 },
    );
  });
});

describe('parsing', () => {
  it('counts a step whose end was not reported as failed', () => {
    const steps = [exec(['a']), exec(['b'])];
    const reply = { stdout: Buffer.from(`one\n${NONCE} 0 0\nhalf`), stderr: Buffer.from(`\n${NONCE} 0 0\nwhy`) };
    expect(parseOutcomes(reply, steps, NONCE)).toEqual({
      outcomes: [
        { exitCode: 0, stdout: 'one', stderr: '' },
        { exitCode: 255, stdout: 'half', stderr: 'why' },
      ],
      failed: 1,
    });
  });

  it('never takes a reply that was cut short for a success', () => {
    const steps = [exec(['a'], { okCodes: [0, 12] }), exec(['b'])];
    const stdout = Buffer.from(`one\n\n${NONCE} 0 12\n\n\n${NONCE} 1 0\n`);
    const stderr = Buffer.from(`\n${NONCE} 0 12\nwhy ünï\n${NONCE} 1 0\n`);
    expect(parseOutcomes({ stdout, stderr }, steps, NONCE).failed).toBeUndefined();
    for (const [whole, cut] of [[stderr, (length: number) => ({ stdout, stderr: stderr.subarray(0, length) })], [stdout, (length: number) => ({ stdout: stdout.subarray(0, length), stderr })]] as const) {
      for (let length = 0; length < whole.length; length++) {
        const { outcomes, failed } = parseOutcomes(cut(length), steps, NONCE);
        expect(failed, String(length)).toBe(outcomes.length - 1);
        expect(outcomes.at(-1)?.exitCode).toBe(255);
      }
    }
  });

  it('refuses what is no script', () => {
    const run = () => Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
    expect(() => renderSteps([{ kind: 'control', title: 'here', stale: [], run }], NONCE)).toThrow(/is no script/);
  });
});
