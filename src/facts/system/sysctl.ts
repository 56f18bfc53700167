import { shellCommand } from '../../core/quote.ts';
import { defineFact } from '../contract.ts';

/**
 * Key: a kernel parameter, `net.ipv4.ip_forward` or with slashes where a part holds a dot (`net/ipv4/conf/eth0.5/arp_ignore`). Value: its first line with
 * single blanks, null when the kernel has none of that name.
 *
 * One `grep` reads them all. The shell's own `read` would cost no process but takes a byte at a time, and the kernel answers a second
 * read of a number with end of file: 32768 would come out as 3.
 */
export const sysctlFact = defineFact<string | null>({
  name: 'sysctl',
  summary: 'kernel parameters as they are now',
  script: (keys) => `${shellCommand(['grep', '-Hs', '', '--', ...keys.map(sysctlPath)])}\n:`,
  parse: (output, keys) => {
    const lines = output.toString('utf8').split('\n');
    return new Map(
      keys.map((key) => {
        const start = `${sysctlPath(key)}:`;
        const line = lines.find((candidate) => candidate.startsWith(start));
        return [key, line === undefined ? null : line.slice(start.length).trim().replaceAll(/\s+/g, ' ')];
      }),
    );
  },
});

/** The file of a kernel parameter, by sysctl(8)'s rule: whichever of `.` and `/` comes first is the separator. */
export function sysctlPath(key: string): string {
  const slashes = /^[^.]*\//.test(key);
  return `/proc/sys/${slashes ? key : key.replaceAll(/[./]/g, (separator) => (separator === '.' ? '/' : '.'))}`;
}
