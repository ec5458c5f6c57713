import type { FastifyInstance } from 'fastify';
import { Gauge, Registry } from 'prom-client';
import type { Server } from 'socket.io';
import { ConsumerGauges } from './consumer-gauges.ts';
import type { Instance } from './instance.ts';
import { instanceSeries } from './instance-series.ts';
import { expectOperator } from './operator-access.ts';

/**
 * `GET /metrics` in the text format of Prometheus: what this instance knows of itself, and how far the consumers of the
 * database are. Each instance has a registry of its own; an application's default registry is left alone.
 */
export function metricsRoutes(scope: FastifyInstance, instance: Instance, io: Server): void {
  const registry = new Registry();
  const consumers = new ConsumerGauges(instance.db, registry);
  const lag = new Gauge({
    name: 'commitcast_dispatch_lag_positions',
    help: 'Positions of the log that this instance has not delivered; absent when the database did not answer',
    registers: [registry],
  });
  instanceSeries(registry, instance, io);

  scope.get('/metrics', { logLevel: 'warn' }, async (request, reply) => {
    await expectOperator(request, instance.rights);
    const head = await consumers.collect();
    if (head === undefined) lag.remove();
    else lag.set(Math.max(head - instance.gateway.dispatcher.position, 0));
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}
