/**
 * The one quoting function: every value that reaches a shell goes through it.
 * Output is one word of POSIX sh for any string without NUL; NUL cannot be passed in an argument and is refused.
 * @throws RangeError when the value holds a NUL byte
 */
export function shellQuote(value: string): string {
  if (value.includes('\0')) throw new RangeError('a shell word cannot hold a NUL byte');
  if (value !== '' && /^[A-Za-z0-9_@%+=:,./-]+$/.test(value) && !/^[=~]/.test(value)) return value;
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** An argv as one simple command of POSIX sh. */
export function shellCommand(argv: readonly string[]): string {
  const [first, ...rest] = argv.map(shellQuote);
  if (first === undefined) throw new RangeError('an empty argv is no command');
  // A first word like A=1 would be an assignment, not a command.
  return [first.includes('=') && !first.startsWith("'") ? `'${first}'` : first, ...rest].join(' ');
}
