import { createAdapter, setupPrimary } from '@socket.io/postgres-adapter';
import { Pool } from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { listeners, startOurs, startStock, untilHeard, type Instance } from './instances.ts';
import { startNetwork } from './network.ts';

const database = await createDatabase();
const serverCount = ({ io }: Instance) => io.of('/').adapter.serverCount();

describe('what is said as soon as the adapter was attached', () => {
  it('stock: is lost, because LISTEN is not active yet', async () => {
    const here = startStock(database.url);
    await until(async () => (await listeners(database)).length === 1);
    const network = await startNetwork(database.url);
    network.hold();
    const there = startStock(network.url);
    here.say('at once');
    // Whatever was sent before this is answered has been notified.
    await here.pool.query('select 1');
    await until(() => here.pool.idleCount === here.pool.totalCount - 1);
    network.release();
    await untilHeard(here, there);
    expect(there.heard).toEqual([]);
  });

  it('ours: is heard', async () => {
    const here = await startOurs(database.url);
    const there = await startOurs(database.url);
    here.say('at once');
    await until(() => there.heard.length > 0);
  });

  it('ours: the answers to the first heartbeat are heard too, so that it knows how many they are', async () => {
    const here = await startOurs(database.url);
    const there = await startOurs(database.url);
    // The next heartbeat would come after five seconds.
    await until(async () => (await serverCount(there)) === 2, { timeoutMs: 2_500 });
    expect(await serverCount(here)).toBe(2);
  });
});

it('ours: a database that does not answer delays the start by some seconds, with a warning; then all heals', async () => {
  const network = await startNetwork(database.url);
  network.hold();
  const warn = vi.fn<(fields: object, message: string) => void>();
  const there = await startOurs(network.url, { logger: { ...silentLogger, warn } });
  expect(warn.mock.calls.map(([, message]) => message)).toContain(
    'started before the Socket.IO adapter could LISTEN',
  );
  expect(there.state).toBe('unreachable');
  network.release();
  await until(() => there.state === 'ok');
  const here = await startOurs(database.url);
  here.say('healed');
  await until(() => there.heard.includes('healed'));
});

it('stock: setupPrimary, for the cluster module, throws at once; so each process has an adapter of its own', () => {
  const pool = new Pool({ connectionString: database.url });
  onTestFinished(() => pool.end());
  expect(() => setupPrimary(pool)).toThrow(TypeError);
  expect(createAdapter).toBeTypeOf('function');
});
