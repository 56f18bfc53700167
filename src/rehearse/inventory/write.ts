import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { inventoryFiles } from '../../lab/inventory/overlay.ts';
import { editInventory, type InventoryEdit } from './edit.ts';

/** Writes a copy of inventories into one folder, in which only the edit is different. What is vaulted stays so. */
export async function writeEdited(folder: string, inventories: readonly string[], edit: InventoryEdit): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const { at, to } of await inventoryFiles(inventories)) {
    const file = path.join(folder, at);
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, editInventory(await readFile(to, 'utf8'), path.dirname(at) === '.' ? 'hosts' : 'vars', edit), { mode: 0o600 });
  }
}
