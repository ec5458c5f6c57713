import type { FastifyInstance } from 'fastify';
import type { Server } from 'socket.io';
import { databaseSeries } from './database-series.ts';
import { gatewaySeries } from './gateway-series.ts';
import type { Instance } from './instance.ts';
import { instanceSeries } from './instance-series.ts';
import { MetricsRegistry } from './metrics-registry.ts';
import { expectOperator } from './operator-access.ts';
import { relaySeries } from './relay-series.ts';

/**
 * `GET /metrics` in the text format of Prometheus: what this instance knows of itself, and how far the consumers of the
 * database are. The parts count in plain numbers; only here do they become metrics.
 */
export function metricsRoutes(scope: FastifyInstance, instance: Instance, io: Server): void {
  const registry = new MetricsRegistry();
  instanceSeries(registry, instance);
  gatewaySeries(registry, instance, io);
  relaySeries(registry, instance);
  const lookAtDatabase = databaseSeries(registry, instance);

  scope.get('/metrics', { logLevel: 'warn' }, async (request, reply) => {
    await expectOperator(request, instance);
    await lookAtDatabase();
    return reply.type(registry.contentType).send(await registry.text());
  });
}
