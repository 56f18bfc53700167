import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exampleLab, firstDeploy } from './first-deploy.ts';

describe.each(readdirSync('inventories'))('a saved plan for bare nodes: %s', (example) => {
  it('writes nothing when it is made, is carried out as it says, and leaves nothing to change', async () => {
    const { lab, hosts, remove } = await exampleLab(`first-${example}`, example);
    try {
      expect(await firstDeploy(lab, hosts, 'playbooks/demo.yml')).toBeGreaterThan(10);
    } finally {
      await remove();
    }
  });
});
