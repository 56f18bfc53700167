import { describe, expect, it } from 'vitest';
import { LvsPlayError, type ErrorKind } from '../../../src/core/errors.ts';
import type { RunEvent } from '../../../src/core/events.ts';
import { exitCodeOf, runExitCode } from '../../../src/cli/exit.ts';

const NONE = { ok: 1, changed: 0, unreachable: 0, failed: 0, skipped: 0, rescued: 0, ignored: 0 };

function failure(module: string, host = 'a'): RunEvent {
  return { at: 0, type: 'task-finished', host, task: { id: '0', play: 'p', name: 'n', module, handler: false }, outcome: { status: 'failed', changes: [] } };
}

describe('the exit code', () => {
  it.each([
    ['usage', 5],
    ['input', 1],
    ['machine', 1],
    ['internal', 1],
    ['host', 2],
    ['unreachable', 4],
    ['verification', 8],
    ['interrupted', 130],
  ] as const)('of an error of kind %s is %d', (kind: ErrorKind, code) => {
    expect(exitCodeOf(new LvsPlayError({ code: 'x', kind, message: 'm' }))).toBe(code);
  });

  it('of anything else is 1', () => {
    expect(exitCodeOf(new Error('x'))).toBe(1);
  });

  it.each([
    ['all went well', { a: NONE }, [], false, 0],
    ['a host failed', { a: { ...NONE, failed: 1 } }, [failure('copy')], false, 2],
    ['a host could not be reached', { a: { ...NONE, unreachable: 1 } }, [], false, 4],
    ['a host was lost in the middle of a task', { a: { ...NONE, unreachable: 1 } }, [failure('copy')], false, 4],
    ['one failed and one could not be reached', { a: { ...NONE, failed: 1 }, b: { ...NONE, unreachable: 1 } }, [failure('copy')], false, 4],
    ['the verification failed and a host could not be reached', { localhost: { ...NONE, failed: 1 }, b: { ...NONE, unreachable: 1 } }, [failure('lvs_verify', 'localhost')], false, 4],
    ['the verification failed', { localhost: { ...NONE, failed: 1 } }, [failure('lvs_verify', 'localhost')], false, 8],
    ['a task and the verification failed', { a: { ...NONE, failed: 1 } }, [failure('copy'), failure('lvs_verify')], false, 2],
    ['a host failed before its first task and the verification too', { a: { ...NONE, failed: 1 }, localhost: { ...NONE, failed: 1 } }, [failure('lvs_verify', 'localhost')], false, 2],
    ['it was interrupted', { a: { ...NONE, failed: 1 } }, [failure('copy')], true, 130],
  ])('of a run in which %s is right', (_what, recap, events, interrupted, code) => {
    expect(runExitCode({ recap, interrupted, errors: [] }, events)).toBe(code);
  });
});

it('ends with the code of what a keeper of the run refused', () => {
  const refused = new LvsPlayError({ code: 'locked', kind: 'host', message: 'lvs1 is locked' });
  expect(runExitCode({ recap: {}, interrupted: false, errors: [refused] }, [])).toBe(2);
});
