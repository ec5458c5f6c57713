import { CommitcastError } from '../core/errors.ts';
import { freePort, isFree } from './free-port.ts';
import type { Running } from './adopt.ts';
import { spawnServer, untilReady, type ServerSpec } from './server.ts';
import { writeServerState, type ServerState } from './server-state.ts';
import { stopServer } from './shutdown.ts';

/** Between our look and the server's bind a port can be taken by another process. */
const portAttempts = 3;

/** @throws {CommitcastError} `PORT_IN_USE` when the wanted port is taken; without one, another is chosen. */
export async function startServer(
  spec: ServerSpec,
  state: ServerState,
  wantedPort?: number,
): Promise<Running> {
  for (let attempt = 1; ; attempt++) {
    const port = wantedPort ?? (await freePort(attempt === 1 ? state.port : undefined));
    if (wantedPort && !(await isFree(wantedPort))) {
      throw new CommitcastError('PORT_IN_USE', `Port ${wantedPort} of 127.0.0.1 is taken by another process`);
    }
    if (port !== state.port)
      await writeServerState(spec.cluster.data, { ...state, port }, spec.place.launch.owner);
    const postmaster = await spawnServer(spec, port);
    try {
      await untilReady(spec, postmaster);
      return { postmaster, port };
    } catch (error) {
      await stopServer(spec.cluster, postmaster);
      if (attempt === portAttempts || (await isFree(port))) throw error;
    }
  }
}
