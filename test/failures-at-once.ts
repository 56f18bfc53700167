import type { Reporter, TestModule } from 'vitest/node';

/** Says why tests of a file failed as soon as the file is done: a run that is ended from outside would otherwise keep it to itself. */
export default class FailuresAtOnce implements Reporter {
  onTestModuleEnd(module: TestModule): void {
    const failed = [
      { name: '', errors: module.errors() },
      ...[...module.children.allSuites()].map((suite) => ({ name: suite.fullName, errors: suite.errors() })),
      ...[...module.children.allTests('failed')].map((test) => ({ name: test.fullName, errors: test.result().errors ?? [] })),
    ];
    for (const { name, errors } of failed) {
      const where = [module.relativeModuleId, ...(name === '' ? [] : [name])].join(' > ');
      for (const { message, diff = '', stack } of errors) process.stderr.write(`\nFAILED ${where}\n${[message, diff, placesOf(stack)].filter((text) => text !== '').join('\n')}\n`);
    }
  }
}

/** The lines of a stack that name a place. */
function placesOf(stack = ''): string {
  return stack.split('\n').filter((line) => /^\s*(?:at|❯) /.test(line) && !line.includes('node_modules')).join('\n');
}
