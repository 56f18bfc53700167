import type { FactDef, FactRequest } from './contract.ts';
import { FactStore } from './store.ts';

/**
 * All questions as one script. The output is a section for each fact, closed by a line with the nonce, the fact's name and its fragment's exit
 * status. Each fragment runs in a subshell: none can disturb the next.
 * @param nonce hexadecimal, unpredictable: what a host prints cannot imitate the end of a section
 */
export function gatherScript(requests: readonly FactRequest[], nonce: string): string {
  return byFact(requests)
    .map(({ fact, keys }) => `(\n${fact.script(keys)}\n)\nprintf '\\n${nonce} ${fact.name} %d\\n' "$?"`)
    .join('\n');
}

/**
 * The answers in what `gatherScript`'s script printed. Pure.
 * @throws Error that says which fact could not be read
 */
export function parseGather(output: Buffer, requests: readonly FactRequest[], nonce: string): FactStore {
  let rest = output;
  let store = FactStore.empty;
  for (const { fact, keys } of byFact(requests)) {
    const end = Buffer.from(`\n${nonce} ${fact.name} `);
    const at = rest.indexOf(end);
    const lineEnd = at < 0 ? -1 : rest.indexOf(0x0a, at + end.length);
    if (lineEnd < 0) throw new Error(`the answer about ${fact.name} is incomplete`);
    const status = Number(rest.subarray(at + end.length, lineEnd).toString());
    if (status !== 0) throw new Error(`${fact.name} could not be asked: exit code ${String(status)}`);
    store = store.merged(FactStore.of(fact, fact.parse(rest.subarray(0, at), keys)));
    rest = rest.subarray(lineEnd + 1);
  }
  return store;
}

function byFact(requests: readonly FactRequest[]): { fact: FactDef; keys: string[] }[] {
  const facts = new Map<string, { fact: FactDef; keys: Set<string> }>();
  for (const { fact, key } of requests) {
    const entry = facts.get(fact.name) ?? { fact, keys: new Set<string>() };
    entry.keys.add(key);
    facts.set(fact.name, entry);
  }
  return [...facts.values()].map(({ fact, keys }) => ({ fact, keys: [...keys].sort() }));
}
