import type { Position } from '../../core/errors.ts';
import { splitWords } from '../../core/text/words.ts';
import { byEffect, type HostRule, isOurs, type RuleAction, type RuleMatch, type Ruleset } from './rule.ts';

/** Options of iptables(8) and its extensions that are read, by what follows them. */
const LONG: Readonly<Record<string, string>> = {
  '-s': 'source',
  '--source': 'source',
  '--src': 'source',
  '-d': 'destination',
  '--destination': 'destination',
  '--dst': 'destination',
  '-p': 'protocol',
  '--protocol': 'protocol',
  '--proto': 'protocol',
  '-i': 'input',
  '--in-interface': 'input',
  '-o': 'output',
  '--out-interface': 'output',
  '--dport': 'ports',
  '--destination-port': 'ports',
  '--dports': 'ports',
  '--destination-ports': 'ports',
  '-j': 'target',
  '--jump': 'target',
  '-g': 'target',
  '--goto': 'target',
  '--set-mark': 'mark',
  '--set-xmark': 'mark',
  '--to-source': 'to',
  '--comment': 'comment',
};
/** Without a meaning of their own: modules are named by their options. */
const SILENT: Readonly<Record<string, number>> = { '-m': 1, '--match': 1, '-c': 2, '--set-counters': 2, '-w': 0, '--wait': 0, '-n': 0, '--random': 0, '--random-fully': 0, '--persistent': 0, '--reject-with': 1, '--log-prefix': 1, '--log-level': 1, '--nflog-group': 1, '--nflog-prefix': 1 };
/** No condition at all. */
const EVERYTHING = /^(0|0\.0\.0\.0|::|anywhere)(\/0)?$/;
const MARK_ALL = /\/0xf{8}$/i;

export interface RulePlace {
  readonly position: Position;
  readonly text: string;
  readonly family: 4 | 6;
  readonly table: string;
  readonly chain: string;
  readonly live: boolean;
}

/** One rule of iptables. @param words what stands behind `-A CHAIN` */
export function iptablesRule(words: readonly string[], place: RulePlace): HostRule {
  const found = new Map<string, string>();
  const other: string[] = [];
  const notDestinations: string[] = [];
  for (let at = 0; at < words.length; ) {
    const negated = words[at] === '!' || words[at + 1] === '!';
    const option = (words[at] === '!' ? words[at + 1] : words[at]) ?? '';
    at += words[at] === '!' || words[at + 1] === '!' ? 2 : 1;
    const silent = SILENT[option];
    const name = LONG[option];
    if (silent !== undefined) {
      at += silent;
      continue;
    }
    const end = name === undefined ? nextOption(words, at) : at + 1;
    const values = words.slice(at, end);
    at = end;
    const [value = ''] = values;
    if (name === 'destination' && negated) notDestinations.push(...value.split(','));
    else if (name === 'source' && !negated && EVERYTHING.test(value)) continue;
    else if (name === undefined || negated) other.push([...(negated ? ['!'] : []), option, ...values].join(' '));
    else found.set(name, value);
  }
  const action = actionOf(found, other);
  const hook = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].includes(place.chain) ? place.chain.toLowerCase() : undefined;
  return { ...place, hook, ours: isOurs({ ...place, comment: found.get('comment'), calls: action.kind === 'jump' ? action.chain : undefined }), match: matchOf(found, notDestinations, action.kind === 'other' ? [] : other), action };
}

function nextOption(words: readonly string[], from: number): number {
  const next = words.findIndex((word, i) => i >= from && (word === '!' || /^--?[a-zA-Z]/.test(word)));
  return next < 0 ? words.length : next;
}

function matchOf(found: ReadonlyMap<string, string>, notDestinations: readonly string[], other: readonly string[]): RuleMatch {
  const list = (name: string): readonly string[] | undefined => found.get(name)?.split(',');
  const [sources, destinations, ports] = [list('source'), list('destination'), list('ports')?.map((port) => port.replace(':', '-'))];
  const protocol = found.get('protocol')?.toLowerCase();
  const [input, output] = [found.get('input'), found.get('output')];
  return {
    ...(sources === undefined ? {} : { sources }),
    ...(destinations === undefined ? {} : { destinations }),
    ...(notDestinations.length === 0 ? {} : { notDestinations }),
    ...(protocol === undefined || protocol === 'all' ? {} : { protocols: [protocol] }),
    ...(ports === undefined ? {} : { ports }),
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
    other,
  };
}

const VERDICTS: Readonly<Record<string, 'accept' | 'drop' | 'return' | 'none'>> = { ACCEPT: 'accept', DROP: 'drop', REJECT: 'drop', RETURN: 'return', LOG: 'none', NFLOG: 'none' };

/** Options of other targets (`--to-destination`, `--set-mss`) are told with the target. */
function actionOf(found: ReadonlyMap<string, string>, other: readonly string[]): RuleAction {
  const target = found.get('target');
  if (target === undefined) return { kind: 'none' };
  const verdict = VERDICTS[target];
  if (verdict !== undefined) return { kind: verdict };
  if (target === 'MASQUERADE') return { kind: 'masquerade' };
  if (target === 'SNAT') return { kind: 'snat', to: found.get('to') ?? '' };
  const mark = Number(found.get('mark')?.replace(MARK_ALL, '') ?? Number.NaN);
  if (target === 'MARK' && Number.isInteger(mark)) return { kind: 'mark', mark };
  // Built-in targets are in capitals, and so may be a chain of somebody: options tell them apart, or a name that is known.
  return other.length > 0 || TARGETS.has(target) ? { kind: 'other', text: [target, ...other].join(' ') } : { kind: 'jump', chain: target };
}

const TARGETS = new Set(['DNAT', 'REDIRECT', 'MARK', 'CONNMARK', 'TCPMSS', 'NOTRACK', 'CT', 'TPROXY', 'NETMAP', 'CLASSIFY', 'DSCP', 'TOS', 'TTL', 'HL', 'NFQUEUE', 'SET', 'TEE', 'TRACE', 'CHECKSUM', 'CLUSTERIP', 'AUDIT', 'HMARK', 'SECMARK', 'SYNPROXY']);

/** What iptables-save prints and iptables-restore reads. @param start where its first line is */
export function parseIptablesSave(output: string, family: 4 | 6, start: Pick<Position, 'file' | 'line'>): Ruleset & { readonly tables: ReadonlySet<string> } {
  const rules: HostRule[] = [];
  const dropping: Ruleset['dropping'][number][] = [];
  const unread: Ruleset['unread'][number][] = [];
  const tables = new Set<string>();
  let table = '';
  output.split('\n').forEach((line, index) => {
    const text = line.trim();
    const position = { file: start.file, line: start.line + index, column: 1 };
    const [, chain = '', policy] = /^:(\S+) (\S+)/.exec(text) ?? [];
    if (text === '' || text.startsWith('#') || text === 'COMMIT') return;
    if (text.startsWith('*')) {
      table = text.slice(1);
      tables.add(table);
    } else if (policy === 'DROP') dropping.push({ position, text: `policy DROP of ${chain} in the table ${table}`, family, table, chain, hook: chain.toLowerCase() });
    else if (policy === undefined) {
      // With -c its counters stand in front.
      const words = wordsOf(text.replace(/^\[\d+:\d+\] /, ''));
      const at = words.findIndex((word) => word === '-A' || word === '--append');
      const name = words[at + 1];
      if (at < 0 || name === undefined) unread.push({ position, text });
      else rules.push(iptablesRule(words.slice(at + 2), { position, text, family, table, chain: name, live: true }));
    }
  });
  return { ...byEffect(rules), dropping, unread, sets: new Map(), tables };
}

function wordsOf(text: string): readonly string[] {
  try {
    return splitWords(text);
  } catch {
    return [];
  }
}
