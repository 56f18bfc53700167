import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { replicaOf } from '../../src/cli/rehearsal/replica.ts';
import { changesIn, firstDeploy } from '../lab/first-deploy.ts';
import { TestLab } from '../lab/support.ts';

/** Bare nodes of an example inventory; six of a larger one. */
async function exampleLab(name: string, example: string): Promise<{ lab: TestLab; hosts: readonly string[]; remove: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-replica-'));
  const { inventories, spec } = await replicaOf({ inventories: [`inventories/${example}`], extraVars: [], vaultPasswordFiles: [] } as never, 'playbooks/demo.yml', { nodes: 6 }, folder);
  const lab = await TestLab.up(name, ...inventories);
  return {
    lab,
    hosts: spec.nodes.map((node) => node.name),
    remove: async () => {
      await lab.down();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe.each(readdirSync('inventories'))('a saved plan for bare nodes: %s', (example) => {
  it('writes nothing when it is made, is carried out as it says, and leaves nothing to change', async () => {
    const { lab, hosts, remove } = await exampleLab(`first-${example}`, example);
    try {
      const { planned } = await firstDeploy(lab, hosts, 'playbooks/demo.yml');
      expect(changesIn(planned)).toBeGreaterThan(10);
    } finally {
      await remove();
    }
  });
});
