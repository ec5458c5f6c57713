import { SpanKind, trace } from '@opentelemetry/api';
import { expect, it, onTestFinished } from 'vitest';
import { inPoolTransaction } from '../../src/consumer/database.ts';
import { append } from '../../src/log/append.ts';
import { traced } from '../../src/tracing/traced.ts';
import { tracedBatch } from '../../src/tracing/traced-batch.ts';
import { openClient } from '../client/integration/world.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { registerSdk, spanIdOf, traceIdOf } from './register-sdk.ts';

it('one trace goes from the business transaction to the callback of a subscriber, and to a durable consumer and on', async () => {
  const sdk = registerSdk();
  const database = await createDatabase();
  const { app, url } = await startServer(database);
  const client = openClient(url);
  const inCallbacks: (string | undefined)[] = [];
  const truck = client.subscribe({ unit: 'truck-7' });
  truck.on(
    'door.opened',
    traced(async () => {
      await Promise.resolve();
      inCallbacks.push(trace.getActiveSpan()?.spanContext().spanId);
    }),
  );
  const consumer = app.commitcast.consume(
    { name: 'alarms', types: ['door.opened'] },
    tracedBatch(
      async (tx, events) => {
        for (const { org } of events)
          await append(tx, { org, unit: 'truck-7', type: 'alarm.raised', data: null });
      },
      { consumer: 'alarms' },
    ),
  );
  onTestFinished(() => consumer.stop());
  truck.on(
    'alarm.raised',
    traced(() => undefined),
  );
  await client.live();

  await sdk.tracer.startActiveSpan('open the door', async (span) => {
    await inPoolTransaction(database.pool, async (tx) => {
      await append(tx, { org: 'acme', unit: 'truck-7', type: 'door.opened', data: { by: 'kim' } });
    });
    span.end();
  });
  await until(() => sdk.spans().length === 6, { message: 'six spans' });

  const ofType = (start: string, type: string) =>
    sdk.named(start).find(({ attributes }) => attributes['messaging.commitcast.event.type'] === type);
  const [business] = sdk.named('open the door');
  const dispatched = ofType('dispatch ', 'door.opened');
  const shown = ofType('process org', 'door.opened');
  const consumed = ofType('process commitcast.log', 'door.opened');
  const alarmed = [ofType('dispatch ', 'alarm.raised'), ofType('process org', 'alarm.raised')];
  expect(new Set(sdk.spans().map(traceIdOf))).toEqual(new Set([traceIdOf(business)]));
  for (const span of [dispatched, shown, consumed])
    expect(span?.parentSpanContext?.spanId).toBe(spanIdOf(business));
  for (const span of alarmed) expect(span?.parentSpanContext?.spanId).toBe(spanIdOf(consumed));
  expect(inCallbacks).toEqual([spanIdOf(shown)]);

  // By the semantic conventions of messaging.
  const { rows } = await database.pool.query<{ id: string }>(
    "select id from commitcast.log where type = 'door.opened'",
  );
  const message = {
    'messaging.system': 'commitcast',
    'messaging.message.id': rows[0]?.id,
    'messaging.commitcast.event.type': 'door.opened',
    'messaging.commitcast.event.position': 1,
  };
  const room = {
    'messaging.destination.name': 'org:acme:unit:truck-7',
    'messaging.destination.template': 'org:{org}:unit:{unit}',
  };
  const link = { context: { spanId: spanIdOf(business) } };
  expect(dispatched).toMatchObject({
    name: 'dispatch org:{org}:unit:{unit}',
    kind: SpanKind.PRODUCER,
    attributes: {
      ...message,
      ...room,
      'messaging.operation.type': 'send',
      'messaging.operation.name': 'dispatch',
      'messaging.commitcast.sessions': 1,
    },
    links: [link],
  });
  expect(shown).toMatchObject({
    name: 'process org:{org}:unit:{unit}',
    kind: SpanKind.CONSUMER,
    attributes: { ...message, ...room, 'messaging.operation.type': 'process' },
    links: [link],
  });
  expect(consumed).toMatchObject({
    name: 'process commitcast.log',
    kind: SpanKind.CONSUMER,
    attributes: {
      ...message,
      'messaging.destination.name': 'commitcast.log',
      'messaging.consumer.group.name': 'alarms',
      'messaging.batch.message_count': 1,
    },
    links: [link],
  });
});
