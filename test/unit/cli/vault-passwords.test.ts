import { chmod } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readVaultPasswords } from '../../../src/cli/input/vault-passwords.ts';
import { folder } from './support.ts';

describe('the vault password', () => {
  it('is what the file holds, or prints when it is a program', async () => {
    const dir = await folder({ plain: 'open sesame\n', program: '#!/bin/sh\necho from a program\n' });
    await chmod(path.join(dir, 'program'), 0o700);
    expect(await readVaultPasswords([path.join(dir, 'plain'), path.join(dir, 'program')])).toEqual(['open sesame', 'from a program']);
  });

  it('must be there', async () => {
    const dir = await folder({ empty: '\n', failing: '#!/bin/sh\nexit 3\n' });
    await chmod(path.join(dir, 'failing'), 0o700);
    for (const name of ['none', 'empty', 'failing']) {
      await expect(readVaultPasswords([path.join(dir, name)]), name).rejects.toMatchObject({ code: 'vault-password-file', kind: 'usage' });
    }
  });
});
