/* One instance of some version, with a durable consumer, in a process of its own. It ends with whoever started it. */
import Fastify from 'fastify';
import type { AddressInfo } from 'node:net';
import type { commitcast } from '../../../src/http/plugin.ts';
import type { FromInstance, InstanceConfig } from './instance.ts';

const config = JSON.parse(process.argv[2] ?? '{}') as InstanceConfig;
const { plugin, databaseUrl, secret, migrate, name } = config;

function tell(message: FromInstance): void {
  if (process.connected) process.send?.(message);
}

try {
  const version = (await import(plugin)) as { commitcast: typeof commitcast };
  const app = Fastify({ logger: { level: 'warn', file: config.log } });
  await app.register(version.commitcast, {
    databaseUrl,
    jwt: { secret },
    adapter: 'postgres',
    migrate,
    checkpointIntervalMs: 500,
  });
  app.commitcast.consume({ name: 'rolling' }, async (tx, events) => {
    for (const { id, org, position } of events)
      await tx.query('insert into upgrade.consumed (id, org, position, instance) values ($1, $2, $3, $4)', [
        id,
        org,
        position,
        name,
      ]);
  });
  const stop = () => {
    app.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', stop);
  process.on('disconnect', stop);
  await app.listen({ host: '127.0.0.1', port: 0 });
  tell({ kind: 'listening', port: (app.server.address() as AddressInfo).port });
} catch (error) {
  tell({ kind: 'refused', code: String((error as { code?: unknown }).code), message: String(error) });
  process.exitCode = 1;
  process.disconnect();
}
