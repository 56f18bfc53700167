import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { command, commandAndUser, needsQuotes, pattern, quoted, word, words } from '../../../../src/lvs/keepalived/render/text.ts';
import { keepalivedDump } from './real.ts';

describe('strings of keepalived.conf', () => {
  it.each([
    ['/bin/true', '"/bin/true"'],
    ['/bin/true a=b,c', '"/bin/true a=b,c"'],
  ])('writes %s plainly', (text, written) => {
    expect(command({ argv: text.split(' ') })).toBe(written);
    expect(needsQuotes({ argv: text.split(' ') })).toBe(false);
  });

  it('quotes arguments, and escapes what would end the string', () => {
    const argv = ['/bin/true', 'two words', '', '# {!', '$HOME "x"', 'é\t'];
    expect(command({ argv })).toBe(String.raw`"/bin/true 'two words' '' '# {!' '\044HOME \042x\042' '\303\251\011'"`);
    expect(needsQuotes({ argv })).toBe(true);
    expect(commandAndUser({ argv: ['/bin/true'], user: 'nobody' })).toBe('"/bin/true" nobody');
  });

  it('writes a pattern with its backslashes doubled', () => {
    expect(pattern(String.raw`^a\d+ "b"$ #{1,2}é`)).toBe(String.raw`"^a\\d+ \042b\042\044 #{1,2}\303\251"`);
  });

  it('leaves plain words alone and quotes others', () => {
    expect([word('s3cret.1'), word('a#b !c'), word('@x'), quoted('/a b')]).toEqual(['s3cret.1', '"a#b !c"', '"@x"', '"/a b"']);
    expect(words('192.168.9.0/24 via 10.0.0.1 dev eth1')).toBe('192.168.9.0/24 via 10.0.0.1 dev eth1');
  });

  it.each<[string, () => string]>([
    ['a single quote in an argument', () => command({ argv: ['/bin/true', "it's"] })],
    ['a backslash in an argument', () => command({ argv: ['/bin/true', 'a\\n'] })],
    ['a double quote in a string', () => quoted('a"b')],
    ["a line's end in a string", () => quoted('a\nb')],
    ['a variable in a string', () => quoted('$HOME')],
    ['a backslash at its end', () => quoted('a\\')],
    ['a line that would be repeated', () => quoted('~SEQ(x, 1, 9)')],
    ['a comment among words', () => words('10.0.0.0/8 dev eth0 # x')],
    ['a condition at the beginning', () => words('@host 10.0.0.0/8')],
  ])('refuses %s', (_what, write) => {
    expect(write).toThrow(expect.objectContaining({ code: 'keepalived-unwritable', kind: 'input', hint: expect.stringContaining(' ') as string }) as Error);
  });

  it('reach the real keepalived as they are', () => {
    const argument = fc.string({ unit: fc.constantFrom(...Array.from(' !"#$%&()*+,-./0123456789:;<=>?@[]^_`{|}~abcxyzABC\té€😀')), maxLength: 12 });
    const commands = fc.sample(fc.array(argument, { maxLength: 4 }), { numRuns: 60, seed: 1 }).map((rest) => ['/usr/bin/true', ...rest]);
    const password = fc.string({ unit: fc.constantFrom(...Array.from(' !#%&()*+,-./:;<=>?@[]^_`{|}~ab12')), minLength: 1, maxLength: 8 }).filter((text) => text.trim() === text);
    const passwords = fc.sample(password, { numRuns: 40, seed: 1 });
    const text = [
      'global_defs {\n  enable_script_security\n  script_user root\n}',
      ...commands.map((argv, index) => `vrrp_script s${String(index)} {\n  script ${command({ argv })}\n  interval 3600\n}`),
      ...passwords.map((pass, index) =>
        [
          `vrrp_instance i${String(index)} {\n  interface eth0\n  virtual_router_id ${String(index + 1)}\n  virtual_ipaddress {\n    10.0.0.${String(index + 1)}\n  }`,
          `  authentication {\n    auth_type PASS\n    auth_pass ${word(pass)}\n  }`,
          ...(index === 0 ? [`  track_script {\n${commands.map((_, script) => `    s${String(script)}`).join('\n')}\n  }`] : []),
          '}',
        ].join('\n'),
      ),
    ].join('\n');
    const lines = keepalivedDump(text, `VRRP Script = s${String(commands.length - 1)}`);
    expect(lines.flatMap((line) => /^ *Password = (.*)$/.exec(line)?.slice(1) ?? [])).toEqual(passwords);
    const read = lines.flatMap((line) => /^ *Command = (.*)$/.exec(line)?.slice(1) ?? []);
    const wanted = commands.map((argv) => argv.map((one) => `'${one}'`).join(' '));
    expect(read).toEqual(wanted.slice(0, read.length));
    expect(read.length).toBeGreaterThan(50);
  });
});
