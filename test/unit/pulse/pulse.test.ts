import http from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { startPulse } from '../../../src/pulse/pulse.ts';
import type { Beat } from '../../../src/pulse/types.ts';
import { newTally, pulseWords, summarise, withBeat } from '../../../src/pulse/summary.ts';

const PLAN = { service: 'web', every: 20 };

describe('what a row of requests comes to', () => {
  it('counts answers and faults, and the longest time between two answers', () => {
    const beats: [number, string | undefined][] = [[1010, undefined], [1030, undefined], [1500, 'refused'], [2030, undefined], [2040, undefined]];
    const tally = beats.reduce((sum, [ended, fault]) => withBeat(sum, ended, fault), newTally(1000));
    const report = summarise(PLAN, 'controller', tally, 2050, null);
    expect(report).toMatchObject({ sent: 5, answered: 4, faults: { refused: 1 }, gap: 1000, gapAt: new Date(1030).toISOString() });
    expect(pulseWords(report)).toBe('web: 5 requests, 1 failed (1 refused); longest gap 1000 ms');
  });

  it('nobody answered: the gap is the whole time; nothing was sent: there is no moment of it', () => {
    const tally = withBeat(newTally(1000), 6000, 'no answer in time');
    expect(summarise(PLAN, 'controller', tally, 7000, null)).toMatchObject({ gap: 6000, gapAt: new Date(1000).toISOString() });
    expect(summarise(PLAN, 'controller', newTally(1000), 1000, null)).toMatchObject({ sent: 0, gap: 0, gapAt: null });
  });

  it('is the longest of all spans between answers, begin and end', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1000), fc.boolean())), fc.nat(1000), (steps, rest) => {
        let now = 0;
        let tally = newTally(0);
        const marks = [0];
        for (const [step, answered] of steps) {
          now += step;
          if (answered) marks.push(now);
          tally = withBeat(tally, now, answered ? undefined : 'no');
        }
        marks.push(now + rest);
        const report = summarise(PLAN, 'x', tally, now + rest, null);
        expect(report.gap).toBe(Math.max(...marks.slice(1).map((mark, index) => mark - (marks[index] ?? 0))));
        expect(report.sent).toBe(report.answered + Object.values(report.faults).reduce((sum, count) => sum + count, 0));
      }),
    );
  });
});

it('trouble is faults that follow one another, answers in between or not', () => {
  const troubled = (beats: readonly (readonly [number, string | undefined])[]): number => summarise(PLAN, 'controller', beats.reduce((sum, [at, fault]) => withBeat(sum, at, fault), newTally(0)), 9000, null).troubled;
  expect(troubled([[10, undefined]])).toBe(0);
  expect(troubled([[10, 'refused']])).toBe(0);
  // With one dead server of two every other request fails: no gap, but trouble.
  expect(troubled([[100, 'refused'], [120, undefined], [500, 'refused'], [520, undefined], [1400, 'refused']])).toBe(1300);
  expect(troubled([[100, 'refused'], [900, 'refused'], [4000, 'refused'], [4100, 'refused']])).toBe(800);
});

describe('a pulse against a server', () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  const serve = async (answer: http.RequestListener): Promise<{ server: http.Server; port: number }> => {
    const server = http.createServer(answer);
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { server, port: (server.address() as AddressInfo).port };
  };

  it('counts every request as the server does, and connections that live', async () => {
    let count = 0;
    const { port } = await serve((_request, response) => {
      count++;
      response.end('rs1\n');
    });
    const beats: Beat[] = [];
    const pulse = await startPulse({ ...PLAN, request: { kind: 'http', scheme: 'http', address: '127.0.0.1', port, path: '/' }, every: 5, held: 3, tell: (beat) => beats.push(beat) });
    while (pulse.so().answered < 10) await new Promise((resolve) => setTimeout(resolve, 5));
    const report = await pulse.end();
    expect(report).toMatchObject({ faults: {}, held: { opened: 3, alive: 3, faults: {} } });
    expect(count).toBe(report.sent + 6);
    expect(beats).toHaveLength(report.sent);
    for (const { service, at, ended, fault } of beats) expect([service, fault, ended >= at]).toEqual(['web', null, true]);
  });

  it('connections that were closed meanwhile did not live, and a server in trouble does not answer', async () => {
    let failing = false;
    const { server, port } = await serve((_request, response) => {
      response.statusCode = failing ? 503 : 200;
      response.end('rs1\n');
    });
    const pulse = await startPulse({ ...PLAN, request: { kind: 'http', scheme: 'http', address: '127.0.0.1', port, path: '/' }, every: 5, held: 2 });
    failing = true;
    while (pulse.so().sent < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    server.closeIdleConnections();
    const report = await pulse.end();
    expect(Object.keys(report.faults)).toContain('HTTP 503');
    expect(report.held).toMatchObject({ opened: 2, alive: 0 });
  });

  it('says that nobody is there', async () => {
    const { server, port } = await serve((_request, response) => response.end());
    await new Promise((resolve) => server.close(resolve));
    const pulse = await startPulse({ ...PLAN, request: { kind: 'connect', address: '127.0.0.1', port }, every: 5, held: 1 });
    while (pulse.so().sent < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    const report = await pulse.end();
    expect(report).toMatchObject({ answered: 0, held: null });
    expect(report.faults).toEqual({ 'connection refused or no route': report.sent });
  });
});
