import fc from 'fast-check';
import { expect, it } from 'vitest';
import { junitOf } from '../../../src/evidence/junit.ts';
import { reportOf } from '../../../src/verify/report.ts';
import type { MeasuredCheck } from '../../../src/verify/types.ts';
import { CHECKS } from './support.ts';

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

const REFERENCES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

function decoded(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (_whole, number: string | undefined, name: string) => (number === undefined ? (REFERENCES[name] ?? '?') : String.fromCharCode(Number(number))));
}

/** A parser that takes well-formed XML and nothing else. @throws Error */
function parseXml(text: string): Element {
  // The characters of XML 1.0.
  for (const character of text) if (!/^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]$/u.test(character)) throw new Error(`no character of XML: ${String(character.codePointAt(0))}`);
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  const rest = text.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
  const token = /<\/([\w-]+)>|<([\w-]+)((?: [\w-]+="[^"<]*")*)(\/?)>|([^<]+)/gy;
  let at = 0;
  for (const [whole, closing, name, attributes = '', empty, content] of rest.matchAll(token)) {
    at += whole.length;
    const here = open.at(-1);
    if (here === undefined) throw new Error('something behind the end');
    if (/&(?!(?:amp|lt|gt|quot|#\d+);)/.test(attributes + (content ?? ''))) throw new Error(`a bare &: ${whole}`);
    if (content !== undefined) here.text += decoded(content);
    else if (closing !== undefined) {
      if (open.pop()?.name !== closing) throw new Error(`</${closing}> closes nothing`);
    } else if (name !== undefined) {
      const entries = [...attributes.matchAll(/ ([\w-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, decoded(value)] as const);
      if (new Set(entries.map(([key]) => key)).size !== entries.length) throw new Error(`an attribute twice: ${whole}`);
      const element: Element = { name, attributes: Object.fromEntries(entries), children: [], text: '' };
      here.children.push(element);
      if (empty !== '/') open.push(element);
    }
  }
  const [top] = root.children;
  if (at !== rest.length || open.length !== 1 || root.children.length !== 1 || top === undefined) throw new Error(`not well-formed after ${String(at)} characters`);
  return top;
}

const xmlOf = (checks: readonly MeasuredCheck[]): Element => parseXml(junitOf(reportOf(checks, ['controller'], Date.parse('2026-01-01T00:00:00Z'), Date.parse('2026-01-01T00:00:04Z'))));

it('has a suite for the cluster and one for each vantage, with counts, times and reasons', () => {
  const top = xmlOf(CHECKS);
  expect(top).toMatchObject({ name: 'testsuites', attributes: { name: 'lvs-play verify', tests: '3', failures: '1', errors: '0', skipped: '1', time: '4.000', timestamp: '2026-01-01T00:00:00' } });
  const [cluster, client] = top.children;
  expect(cluster?.attributes).toEqual({ name: 'cluster', tests: '2', failures: '0', errors: '0', skipped: '1', time: '2.000', timestamp: '2026-01-01T00:00:01' });
  expect(client?.attributes).toMatchObject({ name: 'client1', tests: '1', failures: '1', timestamp: '2026-01-01T00:00:02' });
  const [request] = client?.children ?? [];
  expect(request?.attributes).toEqual({ classname: 'requests', name: 'web', time: '0' });
  expect(request?.children.map(({ name }) => name)).toEqual(['failure', 'system-out']);
  expect(request?.children[0]?.attributes).toEqual({ message: '0 of 20 answered: refused <by> "nobody" & co', type: 'requests' });
  expect(request?.children[1]?.text).toContain('at: 2026-01-01T00:00:02.500Z');
  expect(cluster?.children[1]?.children[0]).toMatchObject({ name: 'skipped', attributes: { message: 'no director holds the VIP' } });
});

it('has suites for before, during and after, and no name twice in one', () => {
  const [holder, request] = CHECKS;
  if (holder === undefined || request === undefined) throw new Error('no checks');
  const top = xmlOf([{ ...holder, phase: 'before' }, { ...request, phase: 'during' }, { ...holder, phase: 'after' }, { ...holder, phase: 'after' }]);
  expect(top.children.map(({ attributes }) => attributes['name'])).toEqual(['before cluster', 'during client1', 'after cluster']);
  expect(top.children[2]?.children.map(({ attributes }) => attributes['name'])).toEqual(['192.168.0.38', '192.168.0.38 #2']);
});

it('is well-formed whatever hosts say, and says it as far as XML can', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('<', '>', '&', '"', "'", '\n', '\t', '\r', ']]>', '\u0000', '\u001B', '\uD800', '\uFFFF', '\u{1F600}', 'a') }));
  fc.assert(
    fc.property(text, text, text, fc.constantFrom('pass' as const, 'fail' as const, 'skip' as const), (subject, measured, reason, verdict) => {
      const top = xmlOf([{ name: 'host', subject, measured, reason, verdict, expected: 'x', from: subject, at: '2026-01-01T00:00:01.000Z' }]);
      const shown = subject.replace(/[\uD800-\uDBFF][\uDC00-\uDFFF]|[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\uD800-\uDFFF\uFFFE\uFFFF]/g, (part) => (part.length === 2 ? part : '\uFFFD'));
      expect(top.children[0]?.children[0]?.attributes['name']).toBe(shown);
    }),
  );
});

it('the parser of this test is a strict one', () => {
  for (const bad of ['<a>', '<a></b>', '<a x="1" x="2"/>', '<a>&</a>', '<a>\u0001</a>', '<a/><b/>', '<a x="<"/>']) expect(() => parseXml(bad), bad).toThrow();
});
