import { runClosedLoop, type Throughput } from './closed-loop.ts';
import type { Scene } from './scene.ts';
import { changeOnly, randomUnit, roundTrip } from './tables.ts';

/** One statement that does nothing: client, network, and whatever stands between. */
export async function measureRoundTrip({ clients, seconds, signal }: Scene): Promise<Throughput> {
  return runClosedLoop({
    clients: await clients(1),
    seconds,
    signal,
    transact: (client) => client.query(roundTrip),
  });
}

/** One writer that changes one row: how long the disk takes, and the standbys that commits wait for. */
export async function measureCommit({ clients, seconds, signal }: Scene): Promise<Throughput> {
  const own = await clients(1);
  // Transactions with events wait for the disk whatever the server has as default; so this one does, too.
  await Promise.all(
    own.map((client) =>
      client.query(
        `select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`,
      ),
    ),
  );
  const measured = await runClosedLoop({
    clients: own,
    seconds,
    signal,
    transact: (client) => client.query({ ...changeOnly, values: [randomUnit()] }),
  });
  await Promise.all(own.map((client) => client.query('reset synchronous_commit')));
  return measured;
}
