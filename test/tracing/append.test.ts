import { context, createTraceState, trace, type SpanContext } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base';
import { expect, it } from 'vitest';
import type { NewEvent } from '../../src/core/event.ts';
import { append, type AppendOptions } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { registerSdk } from './register-sdk.ts';

const database = await createDatabase();
const event = { org: 'acme', type: 'note', data: null };

/** The `meta` that the log has. */
async function appended(given: NewEvent, options: AppendOptions = {}): Promise<unknown> {
  const [id] = await append(database.pool, given, options);
  const { rows } = await database.pool.query<{ meta: unknown }>(
    'select meta from commitcast.log where id = $1',
    [id],
  );
  return rows[0]?.meta;
}

/** Does the work within a span of somebody else. */
function within<Result>(span: Partial<SpanContext>, work: () => Result): Result {
  const whole = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1, ...span };
  return context.with(trace.setSpanContext(context.active(), whole), work);
}

const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;

it('an event carries the context of the active span, beside what its meta has', async () => {
  const sdk = registerSdk();
  await sdk.tracer.startActiveSpan('business', async (span) => {
    const { traceId, spanId } = span.spanContext();
    expect(await appended(event)).toEqual({ traceparent: `00-${traceId}-${spanId}-01` });
    expect(await appended({ ...event, meta: { by: 'kim' } })).toEqual({
      by: 'kim',
      traceparent: `00-${traceId}-${spanId}-01`,
    });
    span.end();
  });
});

it('carries the state of the vendor, too, and that the trace is not sampled', async () => {
  registerSdk({ sampler: new AlwaysOffSampler() });
  const traceState = createTraceState('vendor=a1,other=b2');
  expect(await within({ traceState }, () => appended(event))).toEqual({
    traceparent,
    tracestate: 'vendor=a1,other=b2',
  });
  const unsampled = await trace.getTracer('business').startActiveSpan('business', () => appended(event));
  expect(unsampled).toEqual({
    traceparent: expect.stringMatching(/^00-[\da-f]{32}-[\da-f]{16}-00$/) as string,
  });
});

it('each of many events carries it, in streams as well', async () => {
  registerSdk();
  const ids = await within({}, () =>
    append(
      database.pool,
      Array.from({ length: 600 }, (_, n) => ({ ...event, ...(n % 2 ? { stream: 's' } : {}) })),
    ),
  );
  const { rows } = await database.pool.query(
    "select from commitcast.log where id = any($1) and meta->>'traceparent' = $2",
    [ids, traceparent],
  );
  expect(rows).toHaveLength(600);
});

it('what the caller has set stays', async () => {
  registerSdk();
  const meta = { traceparent: 'of the caller' };
  expect(await within({}, () => appended({ ...event, meta }))).toEqual(meta);
});

it('is switched off by `trace: false`, and without a span or an SDK there is nothing', async () => {
  expect(await within({}, () => appended(event))).toBeNull();
  registerSdk();
  expect(await within({}, () => appended(event, { trace: false }))).toBeNull();
  expect(await appended(event)).toBeNull();
  expect(await within({ spanId: '0'.repeat(16) }, () => appended(event))).toBeNull();
});

it('an event whose meta has no room for it is appended without it', async () => {
  registerSdk();
  // Postgres writes `{"a": "xx…"}`.
  const full = { a: 'x'.repeat(16_384 - 9) };
  expect(await within({}, () => appended({ ...event, meta: full }))).toEqual(full);
  // Postgres writes a space after each comma, which JavaScript does not.
  const commas = { a: Array.from({ length: 4_080 }, () => 7), b: 'x'.repeat(4_090) };
  expect(await within({}, () => appended({ ...event, meta: commas }))).toEqual(commas);
  const room = { a: 'x'.repeat(16_000) };
  expect(await within({}, () => appended({ ...event, meta: room }))).toEqual({ ...room, traceparent });
});

it.each([
  null,
  'text',
  undefined,
  { ...event, meta: [] },
  { ...event, meta: 'text' },
  { ...event, meta: null },
])('what is no event is refused in a span as it is without: %j', async (given) => {
  registerSdk();
  await expect(within({}, () => append(database.pool, given as never))).rejects.toMatchObject({
    code: 'EVENT_INVALID',
  });
});
