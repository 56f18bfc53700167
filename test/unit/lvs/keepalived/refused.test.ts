import { describe, expect, it } from 'vitest';
import { changed, EXAMPLE, problemsOf } from '../support.ts';

const inPair = (line: string): string => changed(EXAMPLE, '    virtual_router_id: 51\n', `    virtual_router_id: 51\n    ${line}\n`);
const INNER = 'inner: { members: { lvs1: { priority: 9 }, lvs2: { priority: 8 } }, interface: eth1, virtual_router_id: 52, vips: [192.168.1.8/24], connection_sync: true }';

/** Each makes `keepalived -t` of 2.2.7 answer 5, so the model refuses it first. */
describe('what keepalived -t refuses is a mistake in the YAML', () => {
  it.each([
    ['a rule without preference', inPair('rules: ["from 10.0.0.0/8 table 100"]'), 'rule-preference'],
    ['pref, which only ip knows', inPair('rules: ["from 10.0.0.0/8 table 100 pref 7"]'), 'rule-preference'],
    ['a sync group of one', `sync_groups: { both: { pairs: [edge] } }\n${EXAMPLE}`, 'sync-group-single'],
    ['a sync group of one, twice', `sync_groups: { both: { pairs: [edge, edge] } }\n${EXAMPLE}`, 'sync-group-single'],
    ['two sync daemons', changed(inPair('connection_sync: true'), 'ha_pairs:', `ha_pairs:\n  ${INNER}`), 'two-connection-syncs'],
    ['fractions of a second between gratuitous ARPs', inPair('garp: { refresh: 0.5 }'), 'wrong-type'],
    ['a quote in an argument', inPair(`notify: { any: [/bin/true, "it's"] }`), 'command-characters'],
    ['a backslash in an argument', inPair(String.raw`notify: { any: [/bin/true, 'a\b'] }`), 'command-characters'],
  ])('%s', (_what, text, code) => {
    const problems = problemsOf(text);
    expect(problems.map((problem) => problem.code)).toContain(code);
    expect(problems[0]?.position?.line).toBeGreaterThan(0);
    expect(problems[0]?.hint).not.toBe('');
  });

  it.each([['preference'], ['priority'], ['order']])('%s in a rule is fine', (word) => {
    expect(problemsOf(inPair(`rules: ["from 10.0.0.0/8 table 100 ${word} 7"]`))).toEqual([]);
  });
});
