import { context, SpanKind, trace, type TracerProvider } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { expect, it, onTestFinished } from 'vitest';
import type { NewEvent } from '../../src/core/event.ts';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { registerSdk, traceIdOf } from './register-sdk.ts';

const traceparent = (n: number, flags = '01') =>
  `00-${String(n).repeat(32)}-${String(n).repeat(16)}-${flags}`;
const note = (meta?: NewEvent['meta']): NewEvent => ({
  org: 'acme',
  type: 'note',
  data: null,
  ...(meta ? { meta } : {}),
});

/** A server, and what a client that has left has to come back with. */
async function startWorld(options: { tailBytes?: number } = {}) {
  const database = await createDatabase();
  const { url } = await startServer(database, options);
  const [away, ...witnesses] = await Promise.all([
    connectClient(url),
    connectClient(url),
    connectClient(url, { token: await signToken({ org_id: 'rival' }) }),
  ]);
  const { cursor } = await away.live();
  away.socket.disconnect();
  await Promise.all(witnesses.map((witness) => witness.live()));
  return {
    /** Resolves when it has been dispatched. */
    async append(...events: NewEvent[]) {
      await append(database.pool, events);
      const count = events.length;
      await until(() => witnesses.reduce((sum, witness) => sum + witness.events.length, 0) === count);
    },
    async comeBack(events: number) {
      const back = await connectClient(url, { cursor });
      await back.live();
      expect(back.events).toHaveLength(events);
    },
  };
}

const about = (span: ReadableSpan) => ({
  parent: span.parentSpanContext?.traceId,
  linked: span.links.map((link) => link.context.traceId),
  events: span.attributes['messaging.batch.message_count'],
  source: span.attributes['messaging.commitcast.replay.source'],
});

/** Nobody's memory holds what came before these. */
const filler = Array.from({ length: 4 }, () => ({ ...note(), org: 'rival', data: 'x'.repeat(30_000) }));

it.each<[string, NewEvent[]]>([
  ['memory', []],
  ['log', filler],
])(
  'what a session gets by catching up has a span that goes on with their trace (%s)',
  async (source, later) => {
    const sdk = registerSdk();
    const world = await startWorld({ tailBytes: 65_536 });
    await world.append(
      note({ traceparent: traceparent(1) }),
      note({ traceparent: traceparent(1) }),
      ...later,
    );
    await world.comeBack(2);
    // They share the page, and each is sent it.
    await world.comeBack(2);
    const spans = sdk.named('replay ');
    const one = '1'.repeat(32);
    expect(spans.map(about)).toEqual([1, 2].map(() => ({ parent: one, linked: [one], events: 2, source })));
    expect(spans.map(traceIdOf)).toEqual([one, one]);
    expect(spans[0]).toMatchObject({
      name: 'replay org:{org}',
      kind: SpanKind.PRODUCER,
      attributes: { 'messaging.operation.name': 'replay', 'messaging.destination.name': 'org:acme' },
    });
  },
);

it('events of several traces are linked to by a span of a trace of its own', async () => {
  const sdk = registerSdk();
  const world = await startWorld();
  await world.append(
    note({ traceparent: traceparent(1) }),
    note(),
    note({ traceparent: traceparent(2, '00') }),
  );
  await world.comeBack(3);
  const linked = ['1'.repeat(32), '2'.repeat(32)];
  expect(sdk.named('replay ').map(about)).toEqual([
    { parent: undefined, linked, events: 3, source: 'memory' },
  ]);
  expect(linked).not.toContain(traceIdOf(sdk.named('replay ')[0]));
});

it('events of no trace, or of none that is sampled, have none', async () => {
  const sdk = registerSdk();
  const world = await startWorld();
  await world.append(note(), note({ traceparent: traceparent(1, '00') }), note({ traceparent: 'nonsense' }));
  await world.comeBack(3);
  expect(sdk.named('replay ')).toEqual([]);
});

it('without an SDK nothing is looked into, and one that throws holds up no replay', async () => {
  const world = await startWorld();
  await world.append(note({ traceparent: traceparent(1) }));
  await world.comeBack(1);
  const calls: string[] = [];
  const startSpan = () => {
    calls.push('start');
    if (calls.length > 1) throw new Error('the sampler is broken');
    return {
      end() {
        calls.push('end');
        throw new Error('the exporter is broken');
      },
    };
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) } as unknown as TracerProvider);
  onTestFinished(() => {
    trace.disable();
    context.disable();
  });
  await world.comeBack(1);
  await world.comeBack(1);
  expect(calls).toEqual(['start', 'end', 'start']);
});
