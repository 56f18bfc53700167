import { shellQuote } from '../../core/text/quote.ts';
import { defineFact } from '../contract.ts';

/**
 * Key: a module's name; dashes and underscores are the same. Loaded, or built into the kernel. What is loaded is seen in /sys without a
 * process; of what is built in, only modules with parameters are there, so that the rest is looked up in the kernel's own list by one `grep`.
 */
export const kernelModuleFact = defineFact<{ readonly loaded: boolean }>({
  name: 'kernel_module',
  summary: 'whether kernel modules are loaded or built in',
  script: (keys) =>
    [
      'missing=',
      ...keys.map((key) => `if [ -d ${shellQuote(`/sys/module/${key.replaceAll('-', '_')}`)} ]; then echo +; else echo -; missing=1; fi`),
      'if [ -n "$missing" ]; then',
      // Not /proc/sys/kernel/osrelease: the shell reads a byte at a time, and that file ends after the first.
      '  read -r _ _ release _ </proc/version',
      `  grep -hs ${keys.map((key) => `-e ${shellQuote(`/${key.replaceAll(/[-_]/g, '[-_]')}\\.ko`)}`).join(' ')} -- "/lib/modules/$release/modules.builtin"`,
      'fi',
      ':',
    ].join('\n'),
  parse: (output, keys) => {
    const lines = output.toString('utf8').split('\n');
    const builtIn = new Set(lines.slice(keys.length).map((line) => nameOf(/([^/]+)\.ko/.exec(line)?.[1] ?? '')));
    return new Map(keys.map((key, index) => [key, { loaded: lines[index] === '+' || builtIn.has(nameOf(key)) }]));
  },
});

function nameOf(name: string): string {
  return name.replaceAll('-', '_');
}
