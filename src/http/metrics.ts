import type { FastifyInstance } from 'fastify';
import { Gauge, Registry } from 'prom-client';
import type { Server } from 'socket.io';
import { ConsumerGauges } from './consumer-gauges.ts';
import type { Instance } from './instance.ts';
import { expectOperator } from './metrics-access.ts';

/**
 * `GET /metrics` in the text format of Prometheus: what this instance knows of itself, and how far the consumers of the
 * database are. Each instance has a registry of its own; an application's default registry is left alone.
 */
export function metricsRoutes(scope: FastifyInstance, instance: Instance, io: Server): void {
  const registry = new Registry();
  const consumers = new ConsumerGauges(instance.db, registry);
  const { dispatcher } = instance.gateway;
  gauge(
    registry,
    'commitcast_dispatched_position',
    'Last position that this instance has delivered',
    () => dispatcher.position,
  );
  gauge(registry, 'commitcast_relay_leading', '1 while the relay of this instance leads', () =>
    Number(instance.relay?.status.leading ?? false),
  );
  gauge(registry, 'commitcast_sessions', 'Sockets connected to this instance', () => io.of('/').sockets.size);

  scope.get('/metrics', { logLevel: 'warn' }, async (request, reply) => {
    await expectOperator(request, instance.rights);
    await consumers.collect();
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  const metric = new Gauge({
    name,
    help,
    registers: [],
    collect() {
      this.set(read());
    },
  });
  registry.registerMetric(metric);
}
