import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { clusterOf } from '../../src/embedded/cluster.ts';
import { killServer } from '../../src/embedded/shutdown.ts';

/**
 * A folder that is gone after the test, with the servers that still run in it. Only its owner can enter it, like
 * /root, unless a mode says otherwise.
 */
export async function temporaryDirectory({ mode = 0o700 } = {}): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'commitcast-embedded-')));
  await chmod(directory, mode);
  onTestFinished(async () => {
    for (const data of [join(directory, 'postgres'), join(directory, '.commitcast', 'postgres')]) {
      const cluster = await realpath(data).then(clusterOf, () => undefined);
      if (cluster) await killServer(cluster);
    }
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return directory;
}
