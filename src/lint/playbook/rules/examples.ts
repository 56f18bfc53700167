/** A play over both directors, one at a time, with these tasks. Each is a line or more, not indented. */
export function play(...tasks: readonly string[]): string {
  return playOf('hosts: lvs_directors\nserial: 1', ...tasks);
}

/** @param head keywords of the play, one a line */
export function playOf(head: string, ...tasks: readonly string[]): string {
  const lines = head.split('\n');
  const list = tasks.map((task) => task.split('\n').map((line, index) => `    ${index === 0 ? '- ' : '  '}${line}\n`).join('')).join('');
  return `${lines.map((line, index) => `${index === 0 ? '- ' : '  '}${line}\n`).join('')}  become: true\n  tasks:\n${list}`;
}
