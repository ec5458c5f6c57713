import { readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../core/logger.ts';
import { processesOf, readPidFile } from './cluster.ts';
import { withConnection, type Address } from './connection.ts';
import { identify, type ProcessIdentity } from './process-table.ts';
import { argumentsOf, programOf, untilReady, type ServerSpec } from './server.ts';
import { killServer, stopServer } from './shutdown.ts';

/** For a server that hangs: it hardly hears the softer signals. */
const hungPatienceMs = 2_000;

/** A server that lets clients in. */
export interface Running {
  readonly postmaster: ProcessIdentity;
  readonly port: number;
}

interface Useless {
  readonly reason: string;
  readonly patienceMs?: number;
}

export interface Wanted {
  readonly password: string;
  readonly port: number | undefined;
}

/**
 * Takes over the server that a killed owner left running. One that was started otherwise than we would, or that does
 * not answer, is stopped. Afterwards there is either this server or none, and nothing in the way of a new one.
 */
export async function adopt(spec: ServerSpec, wanted: Wanted, logger: Logger): Promise<Running | undefined> {
  const { cluster } = spec;
  const file = await readPidFile(cluster);
  const ours = await processesOf(cluster);
  const postmaster = file && ours.includes(file.pid) ? identify(file.pid) : undefined;
  if (file && postmaster) {
    const useless = await whyUseless(spec, postmaster, wanted);
    if (!useless) return { postmaster, port: file.port };
    const { reason, ...limits } = useless;
    logger.info({ pid: file.pid, reason }, 'The embedded Postgres of an earlier run is stopped');
    await stopServer(cluster, postmaster, limits);
  }
  // Children that outlived a killed postmaster would keep a new one from starting.
  else await killServer(cluster);
  // So would a pid that belongs to a stranger by now, or to a zombie that nobody collects. Postgres asks only whether
  // the pid exists; we have just seen that no process of the cluster does.
  await rm(join(cluster.data, 'postmaster.pid'), { force: true });
  return undefined;
}

/** Why it cannot be adopted; `undefined` when it can. */
async function whyUseless(
  spec: ServerSpec,
  postmaster: ProcessIdentity,
  { password, port }: Wanted,
): Promise<Useless | undefined> {
  const { cluster, place } = spec;
  try {
    if ((await readPidFile(cluster))?.status === 'stopping') return { reason: 'it is stopping' };
    await untilReady(spec, postmaster);
    const actual = (await readPidFile(cluster))?.port ?? 0;
    const options = await readFile(join(cluster.data, 'postmaster.opts'), 'utf8');
    if (options.trim() !== optionsLine(spec, port ?? actual))
      return { reason: 'it was started in another way' };
    const { data, version } = await ask({ port: actual, password });
    if (version !== place.serverVersion) return { reason: `it is Postgres ${version}` };
    if ((await realpath(data)) !== cluster.data) return { reason: `its data is in ${data}` };
    return undefined;
  } catch (error) {
    return { reason: `it does not answer: ${(error as Error).message}`, patienceMs: hungPatienceMs };
  }
}

async function ask(address: Address): Promise<{ data: string; version: string }> {
  const text = `select current_setting('data_directory') as data, current_setting('server_version') as version`;
  return withConnection(address, async (client) => {
    const { rows } = await client.query<{ data: string; version: string }>(text);
    return rows[0] ?? { data: '', version: '' };
  });
}

/** As Postgres writes it into `postmaster.opts`. */
function optionsLine(spec: ServerSpec, port: number): string {
  return [programOf(spec), ...argumentsOf(spec, port).map((word) => `"${word}"`)].join(' ').trim();
}
