import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConsole } from '../../../../src/lab/kernel/console.ts';
import { failureText } from '../../../../src/lab/kernel/node-error.ts';
import { formatError } from '../../../../src/report/error-text.ts';

const FOLDER = path.join(import.meta.dirname, 'consoles');
const recorded = (name: string): string => readFileSync(path.join(FOLDER, `${name}.txt`), 'utf8');

/** Consoles of user-mode Linux 6.1 as they were: whether it had ended, the words of the cause, of the fix, and what is quoted. */
const CONSOLES: readonly (readonly [name: string, ended: boolean, what: RegExp, fix: RegExp, said: readonly string[]])[] = [
  ['wide-registers', true, /this CPU has more register state/, /^apt-get install tcc/, ['userspace - ptrace set fp regs failed, errno = 14', 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b']],
  ['library-missing', true, /library for this CPU's register state is missing/, /lvs-play lab down, lvs-play lab up$/, ["ERROR: ld.so: object './missing.so' from LD_PRELOAD cannot be preloaded (cannot open shared object file): ignored."]],
  ['ptrace-forbidden', true, /forbids ptrace/, /--cap-add SYS_PTRACE/, ['check_ptrace : expected SIGSTOP, got status = 9']],
  ['memory-noexec', true, /mounted noexec/, /^mount -o remount,exec \/dev\/shm$/, ['/dev/shm must be not mounted noexec']],
  ['memory-full', true, /file system that holds the nodes' memory is full/, /df -h \/dev\/shm/, ['Bus error - the host /dev/shm or /tmp mount likely just ran out of space', 'Kernel panic - not syncing: Kernel mode signal 7']],
  ['too-little-memory', true, /the node has too little memory/, /lab_memory/, ['Too few physical memory! Needed=180355072, given=170643456']],
  ['deadlocked-on-memory', true, /the node has too little memory/, /lab_memory/, ['Kernel panic - not syncing: System is deadlocked on memory']],
  ['image-missing', true, /base image of the node's disk is missing/, /which rebuilds the image/, ['Couldn\'t stat "/cache/lvs-play/lab/4453269faba024b9/base.img" : err = 2', "Failed to initialize ubd device 0 :Couldn't determine size of device's file", 'Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)']],
  ['disk-full', false, /file system that holds the nodes' disks is full/, /free space under/, []],
  ['disk-cut-off', true, /file system that holds the nodes' disks is full/, /free space under/, []],
  ['tap-busy', false, /another process holds the node's network tap/, /lvs-play lab down, lvs-play lab up$/, ['uml_tap: failed to select tap interface', 'sh[195]: Command failed -:3']],
];

describe('a console', () => {
  it.each(CONSOLES)('explains %s', (name, ended, what, fix, said) => {
    const reading = readConsole(recorded(name), ended);
    expect(reading.cause?.what).toMatch(what);
    expect(reading.cause?.fix).toMatch(fix);
    if (said.length > 0) expect(reading.said).toEqual(said);
  });

  it('is recorded for each of these, and all of them are tried', () => {
    expect(readdirSync(FOLDER).sort()).toEqual([...CONSOLES.map(([name]) => `${name}.txt`), 'healthy.txt'].sort());
  });

  it('of a healthy boot names no cause; one that ended without a word was killed', () => {
    expect(readConsole(recorded('healthy'), false)).toEqual({ said: [], cause: undefined });
    expect(readConsole(recorded('healthy'), true).cause?.what).toMatch(/something killed it/);
    expect(readConsole('', true).cause?.fix).toMatch(/dmesg/);
  });

  it('of an unknown panic is quoted with the line before it', () => {
    const text = '<4>something odd\n<3>the disk caught fire\n<0>Kernel panic - not syncing: Fire\nCPU: 0 PID: 1 Comm: init\nStack:\n 00000001 607e7fcd\nCall Trace:\n [<6002d37a>] show_stack+0x184/0x193\n';
    expect(readConsole(text, true)).toEqual({ said: ['the disk caught fire', 'Kernel panic - not syncing: Fire'], cause: undefined });
  });
});

describe('the error of a node that does not answer', () => {
  const failure = { code: 'lab-node-died', host: 'lvs1', message: 'lvs1 died while it booted', ended: true, console: '', from: 0 } as const;

  it('names cause, console and fix, and blames nobody', () => {
    expect(formatError(failureText(failure, recorded('wide-registers')), { color: false })).toBe(
      'error: lvs1 died while it booted: this CPU has more register state (AMX) than the kernel of a node can hold; its console: userspace - ptrace set fp regs failed, errno = 14 / Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b\n' +
        '  hint: apt-get install tcc, which builds a library that works around it, and recreate the lab: lvs-play lab down, lvs-play lab up\n',
    );
    for (const [name, ended] of CONSOLES) expect(formatError(failureText({ ...failure, ended }, recorded(name)), { color: false })).not.toMatch(/mistake in lvs-play|-vvv/);
  });

  it('leaves an unknown cause to the check of the machine', () => {
    expect(failureText({ ...failure, code: 'lab-timeout', message: 'sshd of lvs1 does not answer', ended: false }, '')).toMatchObject({ message: 'sshd of lvs1 does not answer', hint: 'lvs-play lab doctor checks what this machine lacks', kind: 'machine' });
  });
});
