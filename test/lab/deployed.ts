import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadInventory } from '../../src/inventory/load.ts';
import { ensureImage } from '../../src/lab/image/image.ts';
import { labSpecFromInventory } from '../../src/lab/inventory/from-inventory.ts';
import { Lab } from '../../src/lab/lab.ts';
import { holdLock } from '../../src/lab/state/lock.ts';
import { imageRoot } from '../../src/lab/state/paths.ts';
import { CLI, lvsPlay, must, PACKAGES, TestLab, wholeState } from './support.ts';

/** The cluster that prepared disks are of. */
const INVENTORY = 'inventories/dr-keepalived-pair/hosts.yml';
const PLAYBOOK = 'playbooks/demo.yml';
const VIP = '192.168.0.38';
const HOSTS = ['lvs1', 'lvs2', 'rs1', 'rs2'] as const;
/** Disks that nobody has used for this long, in milliseconds, belong to code of long ago. */
const UNUSED = 24 * 3_600_000;

/**
 * A lab whose nodes lvs1, lvs2, rs1 and rs2 are as a deploy of the example pair left them, booted from their disks: for tests whose subject comes after that deploy.
 * Further nodes are as `TestLab.installed` gives them. Its first plan, with the example's inventory, must find nothing to change.
 * @param inventories default: the example's own
 */
export async function deployedPair(name: string, ...inventories: string[]): Promise<TestLab> {
  const disks = await preparedDisks();
  await lvsPlay(['lab', 'down', '--name', name]);
  await boot(name, inventories.length === 0 ? [INVENTORY] : inventories, disks);
  const lab = await TestLab.opened(name);
  try {
    await expectDeployed(lab);
  } catch (error) {
    await lab.down();
    throw error;
  }
  return lab;
}

/**
 * The disks, made by today's code: a hash of all that goes into them names them. They are kept only when a lab that boots from them is in all that `wholeState` looks at what
 * the deploy itself left, so booting them hides nothing that a deploy would show.
 */
async function preparedDisks(): Promise<string> {
  const folder = path.join(imageRoot(), 'deployed', await key());
  await mkdir(path.dirname(folder), { recursive: true });
  const lock = await holdLock(`${folder}.lock`, { wait: true });
  try {
    if (!(await access(folder).then(() => true, () => false))) await prepare(folder);
    const now = new Date();
    await utimes(folder, now, now);
  } finally {
    await lock.release();
  }
  await forgetOld(path.dirname(folder));
  return folder;
}

async function prepare(folder: string): Promise<void> {
  const work = `${folder}.build`;
  await rm(work, { recursive: true, force: true });
  const name = `prepare-${path.basename(folder).slice(0, 8)}`;
  await lvsPlay(['lab', 'down', '--name', name]);
  let lab: TestLab | undefined;
  try {
    const first = await boot(name, [INVENTORY], undefined);
    lab = await TestLab.opened(name);
    await must(lvsPlay(['deploy', PLAYBOOK, '-i', lab.overlay]));
    await must(lvsPlay(['verify', '-i', lab.overlay, '--settle', '60']));
    await expectDeployed(lab);
    const deployed = await wholeState(lab, HOSTS);
    await first.saveDisks(work);
    await lab.down();
    lab = undefined;
    await boot(name, [INVENTORY], work);
    lab = await TestLab.opened(name);
    await expectDeployed(lab);
    const booted = await wholeState(lab, HOSTS);
    for (const host of HOSTS) if (apartFromKeys(booted[host]) !== apartFromKeys(deployed[host])) throw new Error(`${host} is not what it was before its disk was kept: ${difference(apartFromKeys(deployed[host]), apartFromKeys(booted[host]))}`);
    await writeFile(path.join(work, 'of.txt'), `${INVENTORY}, deployed with ${PLAYBOOK}\n`);
    await rename(work, folder);
  } finally {
    await lab?.down();
    await lvsPlay(['lab', 'down', '--name', name]);
    await rm(work, { recursive: true, force: true });
  }
}

async function boot(name: string, inventories: readonly string[], disks: string | undefined): Promise<Lab> {
  return Lab.up(labSpecFromInventory(await loadInventory(inventories)), { name, inventories, install: PACKAGES, disks });
}

/** The preferred director holds the virtual IP, and a plan has nothing to change. */
async function expectDeployed(lab: TestLab): Promise<void> {
  await lab.held('lvs1', VIP);
  const example = await lab.inventory(await readFile(INVENTORY, 'utf8'));
  const plan = await lvsPlay(['plan', PLAYBOOK, '-i', example, '--detailed-exitcode']);
  if (plan.code !== 0) throw new Error(`a plan of a lab from prepared disks ends with ${String(plan.code)}:\n${plan.stdout}\n${plan.stderr}`);
}

/** What goes into the disks: the image under them, the built tool, inventory and playbooks, how nodes are started, and how all that is done. */
async function key(): Promise<string> {
  const image = await ensureImage({ packages: PACKAGES });
  const { mtimeMs, size } = await stat(image);
  const hash = createHash('sha256').update(JSON.stringify([image, mtimeMs, size]));
  for (const place of [path.dirname(CLI), path.dirname(INVENTORY), 'playbooks', 'src/lab', 'test/lab/deployed.ts', 'test/lab/support.ts']) {
    for (const file of await filesOf(place)) hash.update(`${file}\0`).update(await readFile(file)).update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

async function filesOf(place: string): Promise<string[]> {
  if ((await stat(place)).isFile()) return [place];
  const entries = await readdir(place, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.map')).map((entry) => path.join(entry.parentPath, entry.name)).sort();
}

async function forgetOld(root: string): Promise<void> {
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const place = path.join(root, entry.name);
    const age = await stat(place).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0);
    if (entry.isDirectory() && age > UNUSED) await rm(place, { recursive: true, force: true });
  }
}

/** Each lab has keys of its own. */
function apartFromKeys(state = ''): string {
  return state.split('\n').filter((line) => !/ \/etc\/ssh\/(ssh_host_ed25519_key(\.pub)?|lab_authorized_keys)$/.test(line)).join('\n');
}

/** The first lines that only one of them has. */
function difference(before: string, after: string): string {
  const [one, other] = [new Set(before.split('\n')), new Set(after.split('\n'))];
  return [...[...one].filter((line) => !other.has(line)).map((line) => `-${line}`), ...[...other].filter((line) => !one.has(line)).map((line) => `+${line}`)].slice(0, 10).join('\n');
}
