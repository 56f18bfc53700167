import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstDeploy } from './first-deploy.ts';
import { generatedPlaybook } from './generated.ts';
import { TestLab } from './support.ts';

const HOSTS = ['lvs1', 'lvs2', 'rs1', 'rs2'] as const;
/** Playbooks in all; each host of a round has one of its own. */
const PLAYBOOKS = Number(process.env['LVS_PLAY_GENERATED'] ?? 4);
const ROUNDS = Math.ceil(PLAYBOOKS / HOSTS.length);

let lab: TestLab;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'lvs-play-generated-'));
  lab = await TestLab.up('generated', 'inventories/dr-keepalived-pair/hosts.yml');
});

afterAll(async () => {
  await lab.down();
  await rm(folder, { recursive: true, force: true });
});

describe('saved plans of generated playbooks, each for a bare host', () => {
  it.each(Array.from({ length: ROUNDS }, (_, index) => index + 1))('round %i: carried out as planned, and nothing is left', async (round) => {
    if (round > 1) await lab.bare(HOSTS);
    const seeds = HOSTS.map((host, index) => ({ host, seed: (round - 1) * HOSTS.length + index + 1 }));
    const played = await Promise.allSettled(
      seeds.map(async ({ host, seed }) => {
        const file = path.join(folder, `${String(seed)}.yml`);
        await writeFile(file, generatedPlaybook(seed, host, host.startsWith('lvs')));
        return firstDeploy(lab, [host], file);
      }),
    );
    const failures = played.flatMap((result, index) => (result.status === 'rejected' ? [`seed ${String(seeds[index]?.seed)} on ${String(seeds[index]?.host)}: ${String(result.reason)}`] : result.value > 0 ? [] : [`seed ${String(seeds[index]?.seed)} changes nothing`]));
    expect(failures).toEqual([]);
  });
});
