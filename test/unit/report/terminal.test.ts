import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/core/events.ts';
import { terminalReporter } from '../../../src/report/terminal/terminal.ts';
import { finished, taskRef } from './support.ts';

/** A terminal that keeps what is written. */
class Screen extends Writable {
  text = '';
  readonly isTTY = true;
  readonly columns = 100;
  readonly rows = 24;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

const OPTIONS = { color: false, diff: false, verbose: false };

async function shown(events: readonly RunEvent[], options = OPTIONS): Promise<string> {
  const screen = new Screen();
  const reporter = terminalReporter(screen as unknown as NodeJS.WriteStream, options);
  for (const event of events) {
    reporter.handle(event);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await reporter.close();
  return screen.text;
}

const BATCH: readonly RunEvent[] = [
  { at: 0, type: 'run-started', command: 'deploy', playbook: 'p', inventory: 'i', hosts: ['rs1', 'rs2'] },
  { at: 0, type: 'host-gathering', host: 'rs1' },
  { at: 0, type: 'plan-made', hosts: [] },
  { at: 0, type: 'play-started', play: 'Web', hosts: ['rs1', 'rs2'], batches: 1 },
  { at: 0, type: 'batch-started', play: 'Web', batch: 0, hosts: ['rs1', 'rs2'] },
  { at: 0, type: 'task-started', host: 'rs1', task: taskRef() },
  finished('rs1', { status: 'changed', changes: [{ path: 'nginx', before: null, after: '1' }] }),
  finished('rs2', { status: 'failed', message: 'no space', hint: 'make room' }),
  { at: 0, type: 'batch-finished', play: 'Web', batch: 0 },
  { at: 0, type: 'message', level: 'warning', text: 'careful' },
  { at: 0, type: 'run-stopped', reason: 'rs2 failed', notStarted: [] },
  { at: 0, type: 'run-finished', recap: {}, stats: {}, interrupted: false },
];

describe('progress at a terminal', () => {
  it('ends every stage with its rows, and tells below them what went wrong', async () => {
    const text = await shown(BATCH);
    expect(text).toMatch(/rs1 {2}1 changed/);
    expect(text).toMatch(/rs2 {2}failed/);
    expect(text.indexOf('PLAY [Web]')).toBeGreaterThan(-1);
    expect(text.lastIndexOf('failed: [rs2] install nginx: no space\n  hint: make room\n')).toBeGreaterThan(text.lastIndexOf('rs1  1 changed'));
    expect(text).toContain('warning: careful\n');
    expect(text).toContain('stopped: rs2 failed\n');
    expect(text).not.toContain('changed: [rs1]');
  });

  it('says more with -v', async () => {
    expect(await shown(BATCH, { ...OPTIONS, verbose: true })).toContain('changed: [rs1] install nginx\n  + nginx: 1\n');
  });

  it('shows what is left when a run breaks off', async () => {
    expect(await shown(BATCH.slice(0, 6))).toMatch(/rs1/);
  });

  it('lets go of the screen for a question, and comes back', async () => {
    const screen = new Screen();
    const reporter = terminalReporter(screen as unknown as NodeJS.WriteStream, OPTIONS);
    for (const event of BATCH.slice(0, 2)) reporter.handle(event);
    const answer = await reporter.quiet(() => {
      screen.write('passphrase: \n');
      return Promise.resolve('secret');
    });
    expect(answer).toBe('secret');
    reporter.notice('one moment');
    for (const event of BATCH.slice(2)) reporter.handle(event);
    await reporter.close();
    expect(screen.text).toContain('passphrase: \n');
    expect(screen.text.split('passphrase: \n')[1]).toMatch(/rs2 {2}failed/);
  });
});
