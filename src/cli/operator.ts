import os from 'node:os';

/** Who is at work, and where: `bob@ops1`. Behind sudo it is the one who typed it. */
export function operator(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return `${env['SUDO_USER'] ?? env['LOGNAME'] ?? os.userInfo().username}@${os.hostname()}`;
}
