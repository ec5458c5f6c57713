import { readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../core/logger.ts';
import { processesOf, readPidFile } from './cluster.ts';
import { withConnection } from './connection.ts';
import { identify, type ProcessIdentity } from './process-table.ts';
import { argumentsOf, programOf, untilReady, type ServerSpec } from './server.ts';
import { killServer, stopServer } from './shutdown.ts';

/** For a server that is there but of no use: it may hang. */
const patienceMs = 5_000;

/** A server that lets clients in. */
export interface Running {
  readonly postmaster: ProcessIdentity;
  readonly port: number;
}

/**
 * Takes over the server that a killed owner left running. One that was started otherwise than we would, or that does
 * not answer, is stopped. Afterwards there is either this server or none, and nothing in the way of a new one.
 */
export async function adopt(
  spec: ServerSpec,
  wanted: { password: string; port?: number | undefined },
  logger: Logger,
): Promise<Running | undefined> {
  const { cluster } = spec;
  const file = await readPidFile(cluster);
  const ours = await processesOf(cluster);
  const postmaster = file && ours.includes(file.pid) ? identify(file.pid) : undefined;
  if (!file || !postmaster) {
    // Children that outlived a killed postmaster would keep a new one from starting.
    if (ours.length > 0) await killServer(cluster);
    // A pid that was given to a stranger since would do so too. (If nobody has it, Postgres sees that itself.)
    if (file && identify(file.pid)) await rm(join(cluster.data, 'postmaster.pid'));
    return undefined;
  }
  const reason = await whyUseless(spec, postmaster, wanted);
  if (reason === undefined) return { postmaster, port: file.port };
  logger.info({ pid: postmaster.pid, reason }, 'The embedded Postgres of an earlier run is stopped');
  await stopServer(cluster, postmaster, { patienceMs });
  return undefined;
}

async function whyUseless(
  spec: ServerSpec,
  postmaster: ProcessIdentity,
  { password, port }: { password: string; port?: number | undefined },
): Promise<string | undefined> {
  try {
    const { cluster, place } = spec;
    if ((await readPidFile(cluster))?.status === 'stopping') return 'it is stopping';
    await untilReady(spec, postmaster);
    const actual = (await readPidFile(cluster))?.port ?? 0;
    const options = await readFile(join(cluster.data, 'postmaster.opts'), 'utf8');
    if (options.trim() !== optionsLine(spec, port ?? actual)) return 'it was started in another way';
    return await withConnection({ port: actual, password }, async (client) => {
      const { rows } = await client.query<{ data: string; version: string }>(
        `select current_setting('data_directory') as data, current_setting('server_version') as version`,
      );
      const row = rows[0];
      if (row?.version !== place.serverVersion) return `it is Postgres ${row?.version}`;
      const same = (await realpath(row.data).catch(() => '')) === cluster.data;
      return same ? undefined : `its data is in ${row.data}`;
    });
  } catch (error) {
    return `it does not answer: ${(error as Error).message}`;
  }
}

/** As Postgres writes it into `postmaster.opts`. */
function optionsLine(spec: ServerSpec, port: number): string {
  return [programOf(spec), ...argumentsOf(spec, port).map((word) => `"${word}"`)].join(' ').trim();
}
