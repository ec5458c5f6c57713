import { context, trace, type TracerProvider } from '@opentelemetry/api';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { registerSdk, traceIdOf } from './register-sdk.ts';

const traceparent = (n: number) => `00-${String(n).repeat(32)}-${'2'.repeat(16)}-01`;
const note = (fields: object) => ({ org: 'acme', type: 'note', data: null, ...fields });

it('an event that a session gets live has one span, whoever wrote its context; others have none', async () => {
  const sdk = registerSdk();
  const database = await createDatabase();
  const { url } = await startServer(database);
  const [one, two] = await Promise.all([
    connectClient(url, { subscriptions: [{ unit: 'u1' }] }),
    connectClient(url, { subscriptions: [{ unit: 'u1' }, { deep: true }] }),
  ]);
  await Promise.all([one.live(), two.live()]);
  await append(database.pool, [
    note({ unit: 'u1', meta: { traceparent: traceparent(1) } }),
    // Nobody is there.
    note({ org: 'rival', meta: { traceparent: traceparent(3) } }),
    note({ data: { meta: { traceparent: traceparent(4) } } }),
    note({ meta: { traceparent: 'nonsense' } }),
    note({ meta: { by: 'kim' } }),
  ]);
  await database.pool.query(
    `insert into commitcast.outbox (org_id, site_id, type, data, meta) values ('acme', 's1', 'note', 'null', $1)`,
    [{ traceparent: traceparent(5) }],
  );
  await until(() => two.events.length === 5);
  await until(() => sdk.spans().length >= 2);
  expect(
    sdk.spans().map((span) => ({
      traceId: traceIdOf(span),
      room: span.attributes['messaging.destination.name'],
      sessions: span.attributes['messaging.commitcast.sessions'],
    })),
  ).toEqual([
    { traceId: '1'.repeat(32), room: 'org:acme:unit:u1', sessions: 2 },
    { traceId: '5'.repeat(32), room: 'org:acme:site:s1', sessions: 1 },
  ]);
});

it('an SDK that throws holds up no event', async () => {
  const calls: string[] = [];
  const span = {
    end() {
      calls.push('end');
      throw new Error('the exporter is broken');
    },
  };
  const startSpan = () => {
    calls.push('start');
    if (calls.length > 1) throw new Error('the sampler is broken');
    return span;
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) } as unknown as TracerProvider);
  onTestFinished(() => {
    trace.disable();
    context.disable();
  });
  const database = await createDatabase();
  const { url } = await startServer(database);
  const client = await connectClient(url);
  await client.live();
  for (let n = 1; n <= 3; n++) {
    await append(database.pool, note({ meta: { traceparent: traceparent(n) } }));
    await until(() => client.events.length === n);
  }
  expect(calls).toEqual(['start', 'end', 'start', 'start']);
});
