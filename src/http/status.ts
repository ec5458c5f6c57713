import type { FastifyInstance } from 'fastify';
import type { InstanceStatus, StatusAnswer } from '../core/status.ts';
import { readInstallation, waitingFor, type Installation } from './installation.ts';
import type { Instance } from './instance.ts';
import { expectOperator } from './operator-access.ts';
import { SharedLook } from './shared-look.ts';
import { shortStatements } from './short-statements.ts';

/** One that takes longer would come too late for the answer. */
const statementTimeoutMs = 2_000;

/** `GET /v1/status`: what whoever runs the installation has to know, on all instances. */
export function statusRoutes(scope: FastifyInstance, instance: Instance): void {
  const db = shortStatements(instance.db, statementTimeoutMs);
  const look = new SharedLook(
    () => readInstallation(db),
    (error) => {
      instance.problems.warn({ err: error }, 'the database does not say how the installation is');
    },
  );
  scope.get('/v1/status', { logLevel: 'warn' }, async (request, reply): Promise<StatusAnswer> => {
    await expectOperator(request, instance);
    void reply.header('cache-control', 'no-store');
    return answer(instance, await look.take());
  });
}

/** The one that answers says how it is now; the others, how they were when they said it. */
function answer({ id, reporter }: Instance, seen: Installation | undefined): StatusAnswer {
  const own = withLag(reporter.status, seen?.log.head);
  const others = seen?.instances.filter((each) => each.id !== id) ?? [];
  const instances = [own, ...others];
  return {
    instance: id,
    database: seen ? 'ok' : 'unreachable',
    log: seen?.log ?? null,
    leader: seen?.leader ?? null,
    waitingFor: waitingFor(instances),
    oldestWriter: seen?.oldestWriter ?? null,
    instances,
    samples: reporter.samples,
    consumers: seen?.consumers ?? [],
  };
}

/** The database has just said how long the log is. */
function withLag(own: InstanceStatus, head: number | undefined): InstanceStatus {
  const { gateway } = own.report;
  if (!gateway) return own;
  const lag = head === undefined ? null : Math.max(head - gateway.position, 0);
  return { ...own, report: { ...own.report, gateway: { ...gateway, lag } } };
}
