import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseScript } from '../../../src/import/shell/parse.ts';
import { invocations } from '../../../src/import/shell/run.ts';

/** Commands that a script would run, and what could not be followed as `line: text`. */
function read(text: string): { run: string[][]; unread: string[]; outputs: (readonly string[])[] } {
  const parsed = parseScript(text, 'x.sh');
  const { run, unread } = invocations(parsed);
  return { run: run.map(({ argv }) => [...argv]), outputs: run.map(({ outputs }) => outputs), unread: [...parsed.unread, ...unread].map(({ position, text: what }) => `${String(position.line)}: ${what}`) };
}

describe('a script is followed without being run', () => {
  it.each<[string, string, string[][]]>([
    ['variables', 'VIP=10.0.0.1; PORT="80"\nipvsadm -A -t $VIP:${PORT} -s rr', [['ipvsadm', '-A', '-t', '10.0.0.1:80', '-s', 'rr']]],
    ['a command in a variable, with words', 'CMD="ip addr add"\n$CMD 10.0.0.1/32 dev lo', [['ip', 'addr', 'add', '10.0.0.1/32', 'dev', 'lo']]],
    ['quotes', `echo 'a $b' "c d" e\\ f ""`, [['echo', 'a $b', 'c d', 'e f', '']]],
    ['continuation and comments', 'ip addr \\\n  show # all of them\n# nothing\n', [['ip', 'addr', 'show']]],
    ['a loop over words', 'for s in 10.0.0.1 10.0.0.2; do\n  ipvsadm -a -r $s\ndone', [['ipvsadm', '-a', '-r', '10.0.0.1'], ['ipvsadm', '-a', '-r', '10.0.0.2']]],
    ['a loop over a variable', 'L="a b"; for s in $L; do x "$s"; done', [['x', 'a'], ['x', 'b']]],
    ['bash ranges', 'for n in {1..2}; do x 10.0.0.$n; done', [['x', '10.0.0.1'], ['x', '10.0.0.2']]],
    ['seq', 'for n in $(seq 2 3); do x $n; done', [['x', '2'], ['x', '3']]],
    ['case start', 'case "$1" in\nstart)\n  x up\n  ;;\nstop) x down ;;\nesac', [['x', 'up']]],
    ['functions', 'start() {\n  x $1\n}\nstart now', [['x', 'now']]],
    ['function called by case', 'up() { x; }\ncase $1 in start|restart) up;; *) echo usage; exit 1;; esac', [['x']]],
    ['defaults', 'x ${VIP:-10.0.0.1}', [['x', '10.0.0.1']]],
    ['and-lists', 'a && b; c', [['a'], ['b'], ['c']]],
    ['exit ends it', 'a\nexit 0\nb', [['a']]],
    ['here-documents are no commands', 'cat <<EOF\nip addr flush\nEOF\nx', [['cat'], ['x']]],
    ['export', 'export VIP=1.2.3.4\nx $VIP', [['x', '1.2.3.4']]],
  ])('%s', (_name, text, expected) => {
    expect(read(text)).toMatchObject({ run: expected, unread: [] });
  });

  it('redirections name the files', () => {
    expect(read('echo 1 > /proc/sys/net/ipv4/ip_forward\nx >/dev/null 2>&1').outputs).toEqual([['/proc/sys/net/ipv4/ip_forward'], []]);
  });

  it.each([
    ['a condition', 'if [ -f /etc/x ]; then\n  ipvsadm -C\nfi', ['2: ipvsadm -C: runs only under a condition (if [ -f /etc/x ])']],
    ['else', 'if a; then b; else c; fi', ['1: b: runs only under a condition (if a)', '1: c: runs only under a condition (if a)']],
    ['or', 'a || ipvsadm -C', ['1: ipvsadm -C: runs only under a condition (a ||)']],
    ['a test before and', '[ -x /sbin/ipvsadm ] && ipvsadm -C', ['1: ipvsadm -C: runs only under a condition ([ -x /sbin/ipvsadm ] &&)']],
    ['a substitution', 'VIP=$(hostname -i)\nip addr add $VIP dev lo', ['2: ip addr add $VIP dev lo: $VIP is not known without running the script']],
    ['an unknown variable', 'ip addr add $VIP dev lo', ['1: ip addr add $VIP dev lo: $VIP is not known without running the script']],
    ['a loop over what is not known', 'for s in $(cat list); do x; done', ['1: for s in $(cat list): the words of this loop are not known', '1: x: runs only under a condition (for s in $(cat list))']],
    ['while', 'while true; do x; done', ['1: x: runs only under a condition (while true)']],
    ['an open quote', 'x\ny "z\n', ['2: a double quote is not closed: nothing behind it is read']],
    ['an open block', 'x\nif a; then b\n', ['2: fi is missing: nothing from here on is read']],
  ])('%s is told, not followed', (_name, text, expected) => {
    expect(read(text).unread).toEqual(expected);
  });

  it('what only speaks under a condition is not worth a word', () => {
    expect(read('if [ "$(id -u)" != 0 ]; then echo "be root" >&2; exit 1; fi\nx')).toMatchObject({ run: [['x']], unread: [] });
  });

  it('any text is read without an end of the world', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('a', ' ', '\n', ';', '"', "'", '$', '{', '}', '(', ')', '|', '&', '<', '>', 'for ', 'do ', 'done', 'if ', 'then ', 'fi', 'case ', 'in ', 'esac', '#', '\\', '`', '=')), (parts) => {
      expect(() => read(parts.join(''))).not.toThrow();
    }), { numRuns: 500 });
  });
});
