import type { JsonObject } from '../core/json.ts';
import { shellQuote } from '../core/text/quote.ts';
import type { HeldLock, LockOwner, LockReply } from './types.ts';

/**
 * A lock is a file: the owner's id, the rest as JSON, when it was taken. Beside it `lock.beat` holds the id and the time of the last sign of life. Times are
 * the host's own. Whoever reads or writes it does so under flock(1), which Debian, Red Hat and busybox all have, and writes it whole.
 */
const NOTHING_THERE = 'none';

/** Common to all but signs of life: where it is, what is in it. The shell's own words where they serve: each process that a script starts is work for the host. */
function head(root: string): string {
  const dir = shellQuote(root);
  return [
    'umask 077',
    `cd ${dir} 2>/dev/null || { if [ -e ${dir} ] || ! mkdir -p ${dir} 2>/dev/null || ! cd ${dir}; then echo unprivileged; exit 0; fi; }`,
    'if ! [ -w . ]; then echo unprivileged; exit 0; fi',
    "exec 9>.mutex && flock -w 30 9 || { echo 'flock (util-linux) is missing or does not answer' >&2; exit 1; }",
    // After a loss of power there may be a file without what was in it: that is nobody's lock.
    '[ ! -e lock ] || [ -s lock ] || rm -f lock',
    'id= json= taken=',
    '[ ! -e lock ] || { IFS= read -r id; IFS= read -r json; IFS= read -r taken; } <lock',
    // Milliseconds, and seconds; whole ones where date knows no more (busybox).
    'clock() {',
    '  now=$(date +%s%N)',
    `  case $now in ${'[0-9]'.repeat(10)}${'?'.repeat(9)}) precise=\${now%??????} now=\${now%?????????};; *) now=$(date +%s) precise=\${now}000;; esac`,
    '}',
    'clock',
    // A sign of life of somebody before counts for nothing; a clock that was set back must not make a lock eternal.
    'age() {',
    '  past=${taken:-0}',
    '  if [ -r lock.beat ]; then read -r who at <lock.beat; if [ "$who" = "$id" ]; then past=$at; fi; fi',
    '  past=$((now - past))',
    '  if [ "$past" -lt 0 ]; then past=$((0 - past)); fi',
    '}',
    'tell() { age; printf \'%s\\n%s\\n%s\\n\' "$1" "$past" "$json"; }',
    // What the lock said, and how it ended; those of the last hundred runs stay. Ids sort by time, and so do the names that the shell finds.
    `record() { mkdir -p records && printf '%s\\n%s\\n' "$json" "$1" >"records/$id" && set -- records/* && while [ $# -gt 100 ]; do rm -f -- "$1"; shift; done; }`,
  ].join('\n');
}

/** Takes the lock; one whose owner is gone is taken over. Output: see `parseTake`. */
export function takeScript(owner: LockOwner, root: string): string {
  return [
    head(root),
    // Two names of one machine have one lock.
    `if [ -e lock ] && [ "$id" != ${shellQuote(owner.id)} ]; then`,
    // How long it holds is in the lock itself: seconds without a sign of life, or since it was taken.
    `  limit=$(sed -n '2s/.*"\\(expiry\\|lasts\\)":\\([0-9][0-9]*\\).*/\\2/p' lock)`,
    '  age; if [ -z "$limit" ] || [ "$past" -le "$limit" ]; then tell held; exit 0; fi',
    '  tell over',
    `  record '{"result":"died"}'`,
    'fi',
    `printf '%s\\n%s\\n%s\\n' ${shellQuote(owner.id)} ${shellQuote(JSON.stringify(owner))} "$now" >lock.new && mv -f lock.new lock || { echo 'it cannot be written' >&2; exit 1; }`,
    // It outlives a loss of power.
    'sync -f lock 2>/dev/null || :',
    'echo taken',
    // By the clock as it is when the answer goes: all of this may have taken a while.
    'if [ -r last-run ]; then { IFS= read -r run; IFS= read -r at; } <last-run; clock; printf \'last\\n%s\\n%s\\n\' "$run" $((precise - at)); fi',
  ].join('\n');
}

/** @throws Error when the answer is not whole */
export function parseTake(output: string): LockReply {
  const lines = output.trim().split('\n');
  if (lines[0] === 'unprivileged') return { kind: 'unprivileged' };
  if (lines[0] === 'held') return { kind: 'held', lock: heldOf(lines.slice(1)) };
  const from = lines[0] === 'over' ? heldOf(lines.slice(1)) : undefined;
  const rest = from === undefined ? lines : lines.slice(3);
  if (rest[0] !== 'taken') throw new Error(`the lock gave no answer: ${JSON.stringify(output.slice(0, 200))}`);
  return { kind: 'taken', from, last: rest[1] === 'last' ? { run: rest[2] ?? '', age: Number(rest[3]) / 1000 } : undefined };
}

/**
 * Gives a sign of life, every few seconds and on every host: one process. Exit code 3: the lock is somebody else's by now, or gone. It needs no mutex: were the lock
 * taken over just now, this sign would be one of somebody before.
 */
export function beatScript(id: string, root: string): string {
  return [
    'umask 077',
    `cd ${shellQuote(root)} 2>/dev/null && [ -r lock ] && IFS= read -r id <lock && [ "$id" = ${shellQuote(id)} ] || exit 3`,
    `printf '%s %s\\n' ${shellQuote(id)} "$(date +%s)" >lock.beat`,
  ].join('\n');
}

/** Gives the lock up, if it is still the owner's, and leaves no trace. */
export function releaseScript(id: string, root: string): string {
  return [head(root), `if [ "$id" = ${shellQuote(id)} ]; then rm -f lock lock.beat; fi`].join('\n');
}

/**
 * Gives the lock up, and notes that this run has ended: for the history, and so that a plan made before is known to be old.
 * @param end what the record says of the end; no secrets
 */
export function endScript(id: string, end: JsonObject, root: string): string {
  return [
    head(root),
    `[ "$id" = ${shellQuote(id)} ] || exit 0`,
    `record ${shellQuote(JSON.stringify(end))}`,
    `printf '%s\\n%s\\n' ${shellQuote(id)} "$precise" >last-run.new && mv -f last-run.new last-run`,
    'rm -f lock lock.beat',
  ].join('\n');
}

/** A run as its record on a host tells of it. */
export interface HostRecord {
  readonly owner: LockOwner;
  /** `result`: ok, failed, ..., died; `changed`: tasks that changed this host. */
  readonly end: JsonObject;
  /** What became of it afterwards: `armed`, `confirmed`, `reverted`, `rolled back`, ...; undefined: nothing. */
  readonly since: string | undefined;
}

/** The records of a host. Makes nothing. Output: see `parseRecords`. */
export function recordsScript(root: string): string {
  const [records, runs] = [shellQuote(`${root}/records`), shellQuote(`${root}/runs`)];
  return [
    `if [ -d ${records} ]; then`,
    `  cd ${records} || exit 1`,
    '  for file in *; do',
    '    [ -f "$file" ] || continue',
    '    owner=; end=; since=',
    '    { IFS= read -r owner; IFS= read -r end; } <"$file"',
    `    for word in armed confirmed restored; do if [ -r ${runs}/"$file/$word" ]; then since=$word; fi; done`,
    `    if [ "$since" = restored ]; then IFS= read -r since <${runs}/"$file/restored"; fi`,
    `    printf '%s\\n%s\\n%s\\n' "$owner" "$end" "$since"`,
    '  done',
    'fi',
    ':',
  ].join('\n');
}

/** The newest first. What cannot be read is left out. */
export function parseRecords(output: string): HostRecord[] {
  const lines = output.split('\n');
  const records: HostRecord[] = [];
  for (let at = 0; at + 2 < lines.length; at += 3) {
    try {
      records.push({ owner: JSON.parse(lines[at] ?? '') as LockOwner, end: JSON.parse(lines[at + 1] ?? '') as JsonObject, since: sinceOf(lines[at + 2] ?? '') });
    } catch {
      // Cut short by a full disk, or edited.
    }
  }
  return records.sort((a, b) => (a.owner.id < b.owner.id ? 1 : -1));
}

const RESTORED: Readonly<Record<string, string>> = { guard: 'restored by its host', revert: 'reverted', rollback: 'rolled back' };

/** `restored guard 1795473466 0` is what src/undo writes. */
function sinceOf(line: string): string | undefined {
  const [word = '', by = ''] = line.split(' ');
  if (word === '') return undefined;
  const restored = RESTORED[by];
  return restored === undefined ? word : word === 'partly' ? `partly ${restored}` : restored;
}

/** Who holds the lock. Makes nothing, not even the folder. Output: see `parseStatus`. */
export function statusScript(root: string): string {
  const dir = shellQuote(root);
  return [`if ! [ -e ${dir} ]; then echo ${NOTHING_THERE}; exit 0; fi`, head(root), `if [ -e lock ]; then tell held; else echo ${NOTHING_THERE}; fi`].join('\n');
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
