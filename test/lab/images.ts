import { ensureImage } from '../../src/lab/image/image.ts';
import { PACKAGES } from './support.ts';

/** Before the first file: the disk images that nodes start from, side by side. Three files that begin at the same time would wait for one of them. */
export default async function images(): Promise<void> {
  await Promise.all([ensureImage(), ensureImage({ packages: PACKAGES })]);
}
