/* One instance in a process of its own. It ends with whoever started it. */
import Fastify from 'fastify';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as later } from 'node:timers/promises';
import { commitcast, type CommitcastOptions } from '../../src/http/plugin.ts';
import { disturbAdapter, type AdapterDisturbance } from '../../src/testing/disturb-adapter.ts';
import type { FromInstance, InstanceConfig, Leftovers, ToInstance } from './instance-protocol.ts';
import { runConsumers, type ConsumerRun } from './run-consumers.ts';
import { trustDoorbells } from './trusting-dispatcher.ts';

const statusIntervalMs = 100;

const config = JSON.parse(process.argv[2] ?? '{}') as InstanceConfig;
if (!config.continuity) trustDoorbells();
const app = Fastify({ logger: { level: 'warn', file: config.log } });
// Adapters that the plugin does not know are refused by it, with a message.
const options = {
  databaseUrl: config.databaseUrl,
  jwt: { secret: config.secret },
  adapter: config.adapter,
  ...(config.redisUrl === undefined ? {} : { redisUrl: config.redisUrl }),
  migrate: false,
} as CommitcastOptions;

let disturbance: AdapterDisturbance | undefined;
let consumers: ConsumerRun | undefined;

function tell(message: FromInstance): void {
  if (process.connected) process.send?.(message, () => undefined);
}

function countLeftovers(): Leftovers {
  // Twice: what a finaliser lets go of is collected by the second.
  globalThis.gc?.();
  globalThis.gc?.();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const { io } = app.commitcast;
  const namespace = io.of('/');
  const emitters = [namespace, namespace.adapter, io.engine, app.server, process] as NodeJS.EventEmitter[];
  const listeners = emitters
    .flatMap((emitter) => emitter.eventNames().map((name) => emitter.listenerCount(name)))
    .reduce((sum, count) => sum + count, 0);
  return {
    resources,
    sockets: namespace.sockets.size,
    listeners,
    heapBytes: process.memoryUsage().heapUsed,
  };
}

process.on('message', (message: ToInstance) => {
  if (message.kind === 'disturb') disturbance?.set(message.shares);
  else tell({ kind: 'counted', id: message.id, leftovers: countLeftovers() });
});
// Ctrl-C reaches the whole group; the runner decides when its instances end.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
const orphaned = once(process, 'disconnect');

try {
  await app.register(commitcast, options);
  consumers = runConsumers(app.commitcast, config);
  await app.listen({ port: config.port, host: '127.0.0.1' });
  disturbance = disturbAdapter(app.commitcast.io, { seed: config.seed });
  tell({ kind: 'listening', port: (app.server.address() as AddressInfo).port });
} catch (error) {
  tell({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.disconnect();
}

const reporting = setInterval(() => {
  const leading = app.commitcast.relay()?.leading ?? false;
  tell({ kind: 'status', leading, disturbed: { ...disturbance?.counts }, handed: { ...consumers?.handed } });
}, statusIntervalMs);

await orphaned;
clearInterval(reporting);
// In order when it can be, but not for ever: its database may have gone.
await Promise.race([app.close().then(() => consumers?.close()), later(3_000)]);
process.exit();
