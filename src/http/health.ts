import type { FastifyInstance } from 'fastify';
import { sleep } from '../core/sleep.ts';
import type { AdapterName } from '../fanout/attach-adapter.ts';
import { readHead } from '../log/head.ts';
import type { Instance } from './instance.ts';

/** A database that answers later than this is not one to send traffic to. */
const patienceMs = 2_000;

export interface Readiness {
  status: 'ready' | 'unready';
  database: 'ok' | 'unreachable';
  /** `leading`; `following`: another instance leads, or this one has no relay. */
  relay: 'leading' | 'following';
  /** `unreachable` is no reason against traffic: events come from the log. `null` before the start. */
  adapter: { name: AdapterName; state: 'ok' | 'unreachable' } | null;
  /** Positions between what was committed and what this instance has delivered. */
  lag: number | null;
}

/** `/health/live`: the process answers. `/health/ready`: it can deliver; 503 when not. */
export function healthRoutes(scope: FastifyInstance, instance: Instance): void {
  scope.get('/health/live', { logLevel: 'warn' }, () => ({ status: 'live' }));
  scope.get('/health/ready', { logLevel: 'warn' }, async (_request, reply) => {
    const readiness = await readReadiness(instance);
    return reply.code(readiness.status === 'ready' ? 200 : 503).send(readiness);
  });
}

async function readReadiness({ db, gateway, relay, adapter }: Instance): Promise<Readiness> {
  const patience = new AbortController();
  const head = await Promise.race([
    readHead(db).catch(() => undefined),
    sleep(patienceMs, patience.signal).then(() => undefined),
  ]);
  patience.abort();
  return {
    status: head ? 'ready' : 'unready',
    database: head ? 'ok' : 'unreachable',
    relay: relay?.status.leading ? 'leading' : 'following',
    adapter: adapter ? { name: adapter.name, state: adapter.state } : null,
    lag: head ? Math.max(0, head.last - gateway.dispatcher.position) : null,
  };
}
