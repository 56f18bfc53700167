import { describe, expect, it } from 'vitest';
import { elapsed, StageRows } from '../../../src/report/terminal/rows.ts';
import { finished, PLAIN, taskRef } from './support.ts';

describe('rows of a batch', () => {
  it('follow each host', () => {
    const rows = new StageRows('batch', ['rs1', 'rs2'], 0);
    expect(rows.rows).toEqual(['rs1', 'rs2']);
    rows.handle({ at: 0, type: 'task-started', host: 'rs1', task: taskRef() });
    expect(rows.text('rs1', 4000, false, PLAIN)).toBe('rs1  install nginx  4s');
    rows.handle(finished('rs1', { status: 'changed' }));
    rows.handle(finished('rs1', { status: 'ok' }));
    rows.handle(finished('rs1', { status: 'skipped' }));
    rows.handle(finished('rs2', { status: 'failed' }));
    expect(rows.text('rs1', 65_000, true, PLAIN)).toBe('rs1  1 changed, 1 ok, 1 skipped  1m05s');
    expect(rows.failed('rs1')).toBe(false);
    expect(rows.failed('rs2')).toBe(true);
    rows.notice = 'interrupted';
    expect(rows.text('rs2', 0, false, PLAIN)).toBe('rs2  failed  0s  interrupted');
    expect(rows.text('rs2', 0, true, PLAIN)).toBe('rs2  failed  0s');
  });

  it('become one row with counts when there are many', () => {
    const hosts = Array.from({ length: 14 }, (_, index) => `h${String(index)}`);
    const rows = new StageRows('batch 2', hosts, 0);
    expect(rows.rows).toEqual(['batch 2']);
    rows.handle(finished('h1', { status: 'changed' }));
    rows.handle(finished('h2', { status: 'failed' }));
    rows.handle({ at: 0, type: 'host-lost', state: 'unreachable', host: 'h3', message: 'x' });
    rows.handle({ at: 0, type: 'task-started', host: 'h4', task: taskRef() });
    expect(rows.text('batch 2', 2000, false, PLAIN)).toBe('batch 2: 14 hosts, 1 at work, 1 changed, 1 failed, 1 unreachable  install nginx  2s');
    expect(rows.failed('batch 2')).toBe(true);
  });

  it('do not mind hosts of other batches', () => {
    const rows = new StageRows('batch', ['rs1'], 0);
    rows.handle(finished('other', { status: 'failed' }));
    expect(rows.failed('rs1')).toBe(false);
  });

  it.each([
    [0, '0s'],
    [59_400, '59s'],
    [60_000, '1m00s'],
    [-5, '0s'],
  ])('%d ms are %s', (ms, text) => {
    expect(elapsed(ms)).toBe(text);
  });
});
