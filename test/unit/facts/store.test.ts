import { describe, expect, it } from 'vitest';
import { defineFact, patch, request } from '../../../src/facts/contract.ts';
import { FactStore } from '../../../src/facts/store.ts';

const size = defineFact<number>({ name: 'size', summary: 'a number', script: () => ':', parse: () => new Map() });
const colour = defineFact<string>({ name: 'colour', summary: 'a word', script: () => ':', parse: () => new Map() });

const store = FactStore.of(
  size,
  new Map([
    ['a', 1],
    ['b', 2],
  ]),
).merged(FactStore.of(colour, new Map([['a', 'red']])));
const all = [request(size, 'a'), request(size, 'b'), request(colour, 'a')];

function values(of: FactStore): unknown[] {
  const reader = of.reader(all);
  return [reader.get(size, 'a'), reader.get(size, 'b'), reader.get(colour, 'a')];
}

describe('a store of facts', () => {
  it('says what was not asked, each question once', () => {
    expect(store.missing([...all, request(size, 'c'), request(colour, 'b'), request(size, 'c')]).map(({ fact, key }) => `${fact.name} ${key}`)).toEqual(['size c', 'colour b']);
    expect(store.missing(all)).toEqual([]);
  });

  it('tells facts of the same key apart', () => {
    expect(values(store)).toEqual([1, 2, 'red']);
  });

  it('is not changed by what is made of it', () => {
    store.patched([patch(size, '*', () => 9)]);
    store.stale([{ fact: 'size', key: '*' }]);
    expect(values(store)).toEqual([1, 2, 'red']);
    expect(store.isPredicted('size', 'a')).toBe(false);
  });

  it('predicts one answer or all of a fact, in order, and remembers which', () => {
    const patched = store.patched([patch(size, '*', (value) => value + 10), patch(size, 'b', (value, key) => value * 2 + key.length)]);
    expect(values(patched)).toEqual([11, 25, 'red']);
    expect([patched.isPredicted('size', 'a'), patched.isPredicted('size', 'b'), patched.isPredicted('colour', 'a'), patched.isPredicted('size', 'none')]).toEqual([true, true, false, false]);
  });

  it('does not call an answer predicted that the prediction leaves as it was', () => {
    expect(store.patched([patch(size, 'a', (value) => value)]).isPredicted('size', 'a')).toBe(false);
    const twice = store.patched([patch(size, 'a', () => 5)]).patched([patch(size, 'a', (value) => value)]);
    expect(twice.isPredicted('size', 'a')).toBe(true);
  });

  it('predicts nothing of what was never asked', () => {
    expect(store.patched([patch(size, 'c', () => 3)]).missing([request(size, 'c')])).toHaveLength(1);
  });

  it('forgets one doubtful answer or all of a fact', () => {
    expect(store.stale([{ fact: 'size', key: 'a' }]).missing(all).map(({ fact, key }) => `${fact.name} ${key}`)).toEqual(['size a']);
    expect(store.stale([{ fact: 'size', key: '*' }, { fact: 'colour', key: 'b' }]).missing(all).map(({ fact, key }) => `${fact.name} ${key}`)).toEqual(['size a', 'size b']);
  });

  it('takes a real answer over a predicted one', () => {
    const asked = store.patched([patch(size, 'a', () => 5)]).merged(FactStore.of(size, new Map([['a', 7]])));
    expect(values(asked)).toEqual([7, 2, 'red']);
    expect(asked.isPredicted('size', 'a')).toBe(false);
  });

  it('lets a module read only what it named', () => {
    expect(() => store.reader([request(size, 'a')]).get(size, 'b')).toThrow('fact size of "b" was read but not asked for');
    expect(() => FactStore.empty.reader([request(size, 'a')]).get(size, 'a')).toThrow(/not asked for/);
  });
});
