import { HOST_STATE } from '../core/host-state.ts';
import { shellQuote } from '../core/quote.ts';
import type { HeldLock, LockOwner, LockReply } from './types.ts';

/**
 * A lock is a file that is made whole and then linked into place: of two who try, one succeeds, and nobody ever sees half of it. Its first line is the
 * owner's id, the second says the rest as JSON. Beside it `lock.beat` holds the time of the last sign of life, by the host's own clock.
 */
const NOTHING_THERE = 'none';

/** Common to all: where it is, what is in it, and how old. */
function head(root: string): string {
  const dir = shellQuote(root);
  return [
    'umask 077',
    `cd ${dir} 2>/dev/null || { if [ -e ${dir} ] || ! mkdir -p ${dir} 2>/dev/null || ! cd ${dir}; then echo unprivileged; exit 0; fi; }`,
    'if ! [ -w . ]; then echo unprivileged; exit 0; fi',
    'now=$(date +%s)',
    // A clock that was set back must not make a lock eternal.
    'since() { past=$((now - ${1:-0})); if [ "$past" -lt 0 ]; then past=$((0 - past)); fi; echo "$past"; }',
    'id() { sed -n 1p lock 2>/dev/null; }',
    'age() { since "$(cat lock.beat 2>/dev/null)"; }',
    'tell() { echo "$1"; age; sed -n 2p "$2"; }',
  ].join('\n');
}

/** Takes the lock; one whose owner is gone is taken over. Output: see `parseTake`. */
export function takeScript(owner: LockOwner, nonce: string, root: string = HOST_STATE): string {
  const mine = shellQuote(`.lock.${nonce}`);
  const stale = shellQuote(`.stale.${nonce}`);
  return [
    head(root),
    `printf '%s\\n%s\\n' ${shellQuote(owner.id)} ${shellQuote(JSON.stringify(owner))} >${mine} || { echo 'no lock can be written' >&2; exit 1; }`,
    `trap 'rm -f ${mine} ${stale}' EXIT`,
    'last() { if [ -r last-run ]; then echo last; { IFS= read -r run; IFS= read -r at; } <last-run; echo "$run"; since "$at"; fi; }',
    `take() { ln ${mine} lock 2>/dev/null && echo "$now" >lock.beat; }`,
    'if take; then echo taken; last; exit 0; fi',
    // How long it holds is in the lock itself: seconds without a sign of life, or since it was taken.
    `limit=$(sed -n '2s/.*"\\(expiry\\|lasts\\)":\\([0-9][0-9]*\\).*/\\2/p' lock)`,
    'was=$(id)',
    'if [ -z "$limit" ] || [ "$(age)" -le "$limit" ]; then tell held lock; exit 0; fi',
    // Another one may take it over in the same moment: what was moved away must be what was found too old.
    `mv lock ${stale} 2>/dev/null`,
    `if [ "$(sed -n 1p ${stale} 2>/dev/null)" != "$was" ]; then ln ${stale} lock 2>/dev/null; tell held lock; exit 0; fi`,
    `tell over ${stale}`,
    'if take; then echo taken; last; else tell held lock; fi',
  ].join('\n');
}

/** @throws Error when the answer is not whole */
export function parseTake(output: string): LockReply {
  const lines = output.trim().split('\n');
  if (lines[0] === 'unprivileged') return { kind: 'unprivileged' };
  const from = lines[0] === 'over' ? heldOf(lines.slice(1)) : undefined;
  const rest = from === undefined ? lines : lines.slice(3);
  if (rest[0] === 'held') return { kind: 'held', lock: heldOf(rest.slice(1)) };
  if (rest[0] !== 'taken') throw new Error(`the lock gave no answer: ${JSON.stringify(output.slice(0, 200))}`);
  return { kind: 'taken', from, last: rest[1] === 'last' ? { run: rest[2] ?? '', age: Number(rest[3]) } : undefined };
}

/** Gives a sign of life. Exit code 3: the lock is somebody else's by now, or gone. */
export function beatScript(id: string, root: string = HOST_STATE): string {
  return [head(root), `[ "$(id)" = ${shellQuote(id)} ] || exit 3`, 'echo "$now" >lock.beat'].join('\n');
}

/**
 * Gives the lock up, if it is still the owner's.
 * @param ended note that this run has ended, so that a plan that was made before is known to be old
 */
export function releaseScript(id: string, ended: boolean, root: string = HOST_STATE): string {
  return [
    head(root),
    ...(ended ? [`printf '%s\\n%s\\n' ${shellQuote(id)} "$now" >last-run.new && mv -f last-run.new last-run`] : []),
    `if [ "$(id)" = ${shellQuote(id)} ]; then rm -f lock lock.beat; fi`,
  ].join('\n');
}

/** Who holds the lock. Makes nothing, not even the folder. Output: see `parseStatus`. */
export function statusScript(root: string = HOST_STATE): string {
  const dir = shellQuote(root);
  return [`if ! [ -e ${dir} ]; then echo ${NOTHING_THERE}; exit 0; fi`, head(root), `if [ -e lock ]; then tell held lock; else echo ${NOTHING_THERE}; fi`].join('\n');
}

/** @returns undefined: nobody holds it. @throws Error when that cannot be told */
export function parseStatus(output: string): HeldLock | undefined {
  const lines = output.trim().split('\n');
  if (lines[0] === NOTHING_THERE) return undefined;
  if (lines[0] === 'unprivileged') throw new Error('the lock can be read by root only');
  return heldOf(lines.slice(1));
}

function heldOf([age = '', json = '']: readonly string[]): HeldLock {
  try {
    return { age: Number(age), owner: JSON.parse(json) as LockOwner };
  } catch (cause) {
    throw new Error(`the lock cannot be read: ${JSON.stringify(json.slice(0, 200))}`, { cause });
  }
}
