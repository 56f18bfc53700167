import { expect, it } from 'vitest';
import { startOperatorCommand } from '../../../../src/cli/verify/command.ts';

it('gives the exit status of the command, and hands signals on', async () => {
  expect(await startOperatorCommand(['sh', '-c', 'exit 3'], true).ended).toBe(3);
  expect(await startOperatorCommand(['true'], false).ended).toBe(0);
  const sleeping = startOperatorCommand(['sleep', '60'], true);
  sleeping.signal('SIGTERM');
  expect(await sleeping.ended).toBe(128 + 15);
});

it('says when it cannot be started', async () => {
  await expect(startOperatorCommand(['/nowhere/there'], true).ended).rejects.toMatchObject({ code: 'during-command', kind: 'usage' });
});
