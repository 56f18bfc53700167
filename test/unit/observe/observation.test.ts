import { describe, expect, it } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../src/core/errors.ts';
import { askHost, observe } from '../../../src/observe/ask.ts';
import { HostsMissing, known, missingIn, requireAll } from '../../../src/observe/missing.ts';
import { causeOf, hostNames, unansweredWords } from '../../../src/observe/words.ts';
import { fakeConnector, fakeTarget, shellReply, type FakeAnswer } from '../../../src/transport/fake.ts';
import type { Target } from '../../../src/transport/target.ts';
import { answerTo, refused, seen } from './support.ts';

const failed = (host: string): LvsPlayError => new LvsPlayError({ code: 'host-unreadable', kind: 'host', host, message: `${host} gave no usable answer: the answer is incomplete` });
const SOME = seen<{ holds: boolean }>({ lvs1: { holds: true }, lvs2: undefined, lvs3: failed('lvs3') });
const WHOLE = SOME.among(['lvs1']);

describe('an observation', () => {
  it('says of each host what came of asking it', () => {
    expect(SOME.hosts).toEqual(['lvs1', 'lvs2', 'lvs3']);
    expect(SOME.missing.map(({ host, kind }) => [host, kind])).toEqual([['lvs2', 'unreachable'], ['lvs3', 'failed']]);
    expect(SOME.at('lvs9')).toBeUndefined();
    expect(SOME.each(({ holds }, host) => [host, holds])).toEqual([['lvs1', true]]);
    expect(SOME.without(['lvs1']).hosts).toEqual(['lvs2', 'lvs3']);
  });

  it('judges all hosts only when all have answered', () => {
    expect(WHOLE.judge((all) => all.size)).toEqual({ known: true, value: 1 });
    expect(SOME.judge((all) => all.size)).toMatchObject({ known: false, missing: [{ host: 'lvs2' }, { host: 'lvs3' }] });
    expect(SOME.some(({ holds }) => holds)).toEqual({ known: true, value: true });
    expect(SOME.some(({ holds }) => !holds)).toMatchObject({ known: false });
    expect(WHOLE.some(({ holds }) => !holds)).toEqual({ known: true, value: false });
  });

  it('what is not known is an error that names who is missing, each cause once', () => {
    expect(known(WHOLE.judge(() => 7), 'x')).toBe(7);
    expect(() => { requireAll(SOME, 'who holds edge'); }).toThrow('who holds edge is unknown: lvs2 did not answer (connection refused); lvs3 gave no usable answer (the answer is incomplete)');
    const kindOf = (hosts: readonly string[]): string => {
      try {
        requireAll(SOME.among(hosts), 'x');
      } catch (error) {
        return (error as LvsPlayError).kind;
      }
      return 'none';
    };
    expect([kindOf(['lvs1']), kindOf(['lvs2']), kindOf(['lvs3']), kindOf(['lvs2', 'lvs3'])]).toEqual(['none', 'unreachable', 'host', 'unreachable']);
  });

  it('is found again in errors, however they are wrapped', () => {
    const one = new HostsMissing({ message: 'm', missing: SOME.missing });
    const all = new InputErrors([one, new LvsPlayError({ code: 'x', kind: 'input', message: 'm', cause: one })]);
    expect(missingIn(all).map(({ host }) => host)).toEqual(['lvs2', 'lvs3']);
    expect(missingIn(refused('lvs1'))).toMatchObject([{ host: 'lvs1', kind: 'unreachable' }]);
    expect([missingIn(new LvsPlayError({ code: 'x', kind: 'input', message: 'm', host: 'lvs1' })), missingIn(new Error('x'))]).toEqual([[], []]);
  });
});

describe('words', () => {
  it.each([
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a', 'b', 'c', 'd', 'e'], 'a, b, c, d and e'],
    [['a', 'b', 'c', 'd', 'e', 'f'], 'a, b, c and 3 others'],
  ])('%j', (hosts, text) => {
    expect(hostNames(hosts)).toBe(text);
  });

  it.each([
    ['lvs1: 192.168.0.48 port 22 refused the connection', 'connection refused'],
    ['lvs1: no route to 192.168.0.48 port 22', 'no route to host'],
    ['lvs1: 192.168.0.48 port 22 did not answer within the time-out', 'no answer within the time-out'],
    ['the connection to lvs1 was lost', 'the connection was lost'],
    ['lvs1 gave no usable answer: sh: ip: not found', 'sh: ip: not found'],
  ])('%s', (message, cause) => {
    expect(causeOf('lvs1', message)).toBe(cause);
  });

  it('the same failure on many hosts is told once', () => {
    const many = seen(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`rs${String(index + 1)}`, undefined])));
    expect(unansweredWords(many.missing)).toBe('rs1, rs2, rs3 and 297 others did not answer (connection refused)');
  });
});

describe('asking', () => {
  const asked = (answer: (text: (said: string) => string) => FakeAnswer): Promise<unknown> => {
    const host = fakeTarget('lvs1', (request) => answer((said) => answerTo(request, said)));
    const reach = (): Promise<Target> => Promise.resolve(host);
    return observe(['lvs1'], reach, () => ({ script: 'hostname', read: (said) => (said === 'lvs1\n' ? said : Number.NaN) })).then((all) => {
      expect(host.requests).toHaveLength(1);
      expect(host.requests[0]?.become).toBe(true);
      const one = all.at('lvs1');
      return one?.kind === 'answered' ? one.value : one?.error.message;
    });
  };

  it.each<[string, (text: (said: string) => string) => FakeAnswer, unknown]>([
    ['an answer', (text) => text('lvs1\n'), 'lvs1\n'],
    ['an answer that was cut off', (text) => text('lvs1\n').slice(0, 9), 'lvs1 gave no usable answer: the answer is incomplete'],
    ["somebody else's words", () => 'Welcome!\n', 'lvs1 gave no usable answer: the answer is incomplete'],
    ['a shell that fails', () => shellReply('', 127, '\nsh: hostname: not found\n'), 'lvs1 gave no usable answer: sh: hostname: not found'],
    ['a shell that fails without a word', () => shellReply('', 3), 'lvs1 gave no usable answer: its shell ended with exit code 3'],
  ])('%s', async (_name, answer, result) => {
    expect(await asked(answer)).toBe(result);
  });

  it('what the parser refuses is no answer', async () => {
    const host = fakeTarget('lvs1', (request) => answerTo(request, 'x'));
    await expect(askHost('lvs1', () => Promise.resolve(host), { script: ':', read: () => { throw new Error('no table'); } })).rejects.toMatchObject({ code: 'host-unreadable', kind: 'host', host: 'lvs1', message: 'lvs1 gave no usable answer: no table' });
  });

  it('who has no way, or is too slow, is unreachable; a fault of ours is none of the host', async () => {
    const slow = fakeTarget('slow', () => { throw new LvsPlayError({ code: 'command-timeout', kind: 'host', host: 'slow', message: 'slow did not answer within 15 s; the connection was closed' }); });
    const connector = fakeConnector([slow]);
    const reach = (host: string): Promise<Target> => connector.connect({ host } as never);
    const all = await observe(['gone', 'slow'], reach, () => ({ script: ':', read: String }), { again: true });
    expect(all.missing.map(({ host, kind }) => [host, kind])).toEqual([['gone', 'unreachable'], ['slow', 'unreachable']]);
    const broken = (): Promise<Target> => Promise.reject(new LvsPlayError({ code: 'bad-port', kind: 'input', message: 'ansible_port is no number' }));
    await expect(observe(['lvs1'], broken, () => ({ script: ':', read: String }))).rejects.toMatchObject({ kind: 'input' });
  });
});
