import { randomBytes } from 'node:crypto';
import { readlink, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { clusterOf, type Cluster } from './cluster.ts';
import { initializeOnce } from './initialize.ts';
import type { ProvenPlace } from './place.ts';
import { killServer } from './shutdown.ts';

/** Makes the data folder when there is none, in the place that was chosen for it. */
export async function prepareData(directory: string, place: ProvenPlace): Promise<Cluster> {
  const data = join(place.home, 'postgres');
  const link = join(directory, 'postgres');
  if (place.home === directory) {
    await initializeOnce(place);
    return clusterOf(data);
  }
  const linked = (await readlink(link).catch(() => undefined)) === data;
  // Without the link it is of a folder that was deleted since, or of a start that did not come to its end.
  if (!linked) await discard(data);
  await initializeOnce(place);
  if (!linked) await replaceByLink(link, data);
  return clusterOf(data);
}

async function discard(data: string): Promise<void> {
  const abandoned = await clusterOf(data).catch(() => undefined);
  if (!abandoned) return;
  await killServer(abandoned);
  await rm(data, { recursive: true, force: true });
}

async function replaceByLink(link: string, target: string): Promise<void> {
  const draft = `${link}.${randomBytes(4).toString('hex')}`;
  await symlink(target, draft);
  // An empty folder of that name may be there; one with data would have been used.
  await rmdir(link).catch(() => {});
  await rename(draft, link);
}
