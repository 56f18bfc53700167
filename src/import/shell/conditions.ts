import { globPattern } from '../../core/text/glob.ts';
import type { Environment } from './environment.ts';
import type { Branch, SimpleCommand, Statement } from './syntax.ts';

/** Whether a test holds, where that is plain: a comparison of words that are known. Undefined: a running shell knows. */
export function outcomeOf(test: readonly Statement[], environment: Environment): boolean | undefined {
  const [only, another] = test;
  if (only?.type !== 'command' || another !== undefined || only.input !== undefined) return undefined;
  const [program, ...words] = only.words.map((word) => ({ text: word.text, fields: environment.expand(word) }));
  const name = program?.text;
  if (name === ':' || name === 'true') return true;
  if (name === 'false') return false;
  const inside = name === '[' || name === '[[' ? words.slice(0, -1) : words;
  if ((name !== '[' && name !== '[[' && name !== 'test') || inside.length === 0) return undefined;
  const negated = inside[0]?.text === '!';
  const [first, second, third, more] = (negated ? inside.slice(1) : inside).map(({ fields }) => (fields === undefined ? undefined : fields.join(' ')));
  if (first === undefined || more !== undefined) return undefined;
  const holds = third === undefined ? single(first, second) : compare(first, second, third, name === '[[');
  return holds === undefined ? undefined : holds !== negated;
}

/** `-z word`, `-n word`; files and users are not known here. */
function single(option: string, word: string | undefined): boolean | undefined {
  if (word === undefined) return undefined;
  return option === '-z' ? word === '' : option === '-n' ? word !== '' : undefined;
}

const NUMBERS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '-eq': (a, b) => a === b,
  '-ne': (a, b) => a !== b,
  '-lt': (a, b) => a < b,
  '-le': (a, b) => a <= b,
  '-gt': (a, b) => a > b,
  '-ge': (a, b) => a >= b,
};

function compare(a: string, operator: string | undefined, b: string, patterns: boolean): boolean | undefined {
  const same = patterns ? globPattern(b).test(a) : a === b;
  if (operator === '=' || operator === '==') return same;
  if (operator === '!=') return !same;
  const [left, right] = [Number(a), Number(b)];
  const rule = Number.isInteger(left) && Number.isInteger(right) ? NUMBERS[operator ?? ''] : undefined;
  return rule?.(left, right);
}

const QUERIES = new Set(['ip', 'ifconfig', 'ipvsadm', 'iptables', 'ip6tables', 'iptables-save', 'ip6tables-save', 'route', 'lsmod', 'nft']);

/**
 * `iptables -C RULE || iptables -A RULE`, `ip addr show | grep -q VIP || ip addr add VIP`: whatever the question says, what is behind it is there
 * afterwards.
 */
export function ensures({ test, negated }: Branch): boolean {
  const [only, another] = test;
  if (!negated || only?.type !== 'command' || another !== undefined) return false;
  const words = only.words.map(({ text }) => text);
  if (words.some((word) => word === '-C' || word === '--check') && /iptables$/.test(words[0] ?? '')) return true;
  return /^(\S*\/)?[ef]?grep$/.test(words[0] ?? '') && only.input?.type === 'command' && QUERIES.has(only.input.words[0]?.text.replace(/^.*\//, '') ?? '');
}

/** Every command within, whatever the conditions are. */
export function commandsIn(body: readonly Statement[]): SimpleCommand[] {
  return body.flatMap((statement) => {
    switch (statement.type) {
      case 'command':
        return statement.words.length === 0 ? [] : [statement];
      case 'case':
        return statement.branches.flatMap((branch) => commandsIn(branch.body));
      case 'if':
        return [...statement.branches.flatMap((branch) => [...commandsIn(branch.test), ...commandsIn(branch.body)]), ...commandsIn(statement.otherwise)];
      case 'while':
        return [...commandsIn(statement.test), ...commandsIn(statement.body)];
      default:
        return commandsIn(statement.body);
    }
  });
}

const HARMLESS = new Set(['echo', 'printf', 'exit', 'return', ':', 'true', 'false', '[', '[[', 'test', 'success', 'failure', 'log_daemon_msg', 'log_end_msg', 'touch', 'read', 'grep', 'egrep', 'fgrep', 'sleep', 'break', 'continue', 'local']);

/** Says something, asks something, or ends: nothing that a host would keep. */
export function isHarmless({ words, redirects }: SimpleCommand): boolean {
  const program = words[0]?.text ?? '';
  if (redirects.some(({ operator, target }) => operator.includes('>') && !/^(\/dev\/null|&?[012])$/.test(target.text))) return false;
  const asks = QUERIES.has(program.replace(/^.*\//, '')) && words.slice(1).every(({ text }) => /^(-[46LnlSto]+|-[LnSl]+|addr|address|a|route|r|link|show|list|ls|get|dev|lo|eth\d+|--list|--numeric|table|ruleset|\d[\d.:/]*|\$\w+)$/.test(text));
  return HARMLESS.has(program) || asks;
}
