import { shellQuote } from '../../core/text/quote.ts';
import { defineFact } from '../contract.ts';

/**
 * Key: a kernel parameter, `net.ipv4.ip_forward` or with slashes where a part holds a dot (`net/ipv4/conf/eth0.5/arp_ignore`). Value: its first line with
 * single blanks, null when the kernel has none of that name. A part may be `*`: all interfaces of `net.ipv4.conf.*.send_redirects`; where they differ, the value is
 * every one that occurs, with commas between.
 *
 * One `grep` reads them all. The shell's own `read` would cost no process but takes a byte at a time, and the kernel answers a second
 * read of a number with end of file: 32768 would come out as 3.
 */
export const sysctlFact = defineFact<string | null>({
  name: 'sysctl',
  summary: 'kernel parameters as they are now',
  script: (keys) => `grep -Hs '' -- ${keys.map(sysctlPattern).join(' ')}\n:`,
  parse: (output, keys) => {
    const lines = output.toString('utf8').split('\n');
    return new Map(
      keys.map((key) => {
        const [before = '', after] = sysctlPath(key).split('*');
        const file = after === undefined ? `${before}:` : new RegExp(`^${escaped(before)}[^/:]+${escaped(after)}:`);
        const values = lines.flatMap((line) => {
          const start = typeof file === 'string' ? (line.startsWith(file) ? file : undefined) : file.exec(line)?.[0];
          return start === undefined ? [] : [line.slice(start.length).trim().replaceAll(/\s+/g, ' ')];
        });
        // A parameter of several lines has its first; of several interfaces, all that occur.
        return [key, values[0] === undefined ? null : after === undefined ? values[0] : [...new Set(values)].sort().join(',')];
      }),
    );
  },
});

/** The file of a kernel parameter, by sysctl(8)'s rule: whichever of `.` and `/` comes first is the separator. */
export function sysctlPath(key: string): string {
  const slashes = /^[^.]*\//.test(key);
  return `/proc/sys/${slashes ? key : key.replaceAll(/[./]/g, (separator) => (separator === '.' ? '/' : '.'))}`;
}

/** The file of a kernel parameter as a word of sh: quoted but for a part that is `*`. */
export function sysctlPattern(key: string): string {
  return sysctlPath(key).split('*').map(shellQuote).join('*');
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
