import { shellQuote } from '../core/quote.ts';
import { defineFact } from './contract.ts';

/** Key: a module's name; dashes and underscores are the same. Loaded, or built into the kernel. No process. */
export const kernelModuleFact = defineFact<{ readonly loaded: boolean }>({
  name: 'kernel_module',
  summary: 'whether kernel modules are loaded or built in',
  script: (keys) => keys.map((key) => `if [ -d ${shellQuote(`/sys/module/${key.replaceAll('-', '_')}`)} ]; then echo +; else echo -; fi`).join('\n'),
  parse: (output, keys) => {
    const lines = output.toString('utf8').split('\n');
    return new Map(keys.map((key, index) => [key, { loaded: lines[index] === '+' }]));
  },
});
