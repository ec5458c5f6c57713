import { SpanStatusCode, trace, type SpanContext } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { Waiters } from '../../src/core/waiters.ts';
import { spanContextOf } from '../../src/tracing/trace-context.ts';
import { traced } from '../../src/tracing/traced.ts';
import { tracedBatch } from '../../src/tracing/traced-batch.ts';
import { registerSdk, spanIdOf, traceIdOf } from './register-sdk.ts';

const traceA = 'a'.repeat(32);
const traceB = 'b'.repeat(32);
const spanOf = (n: number) => String(n).repeat(16);
const parentOf = (traceId: string, n: number) => `00-${traceId}-${spanOf(n)}-01`;

function event(traceparent?: unknown, fields: Partial<CommitcastEvent> = {}): CommitcastEvent {
  const whole = {
    position: 7,
    id: 'an id',
    type: 'note',
    org: 'acme',
    time: '2026-07-01T12:00:00.000Z',
    data: null,
    ...fields,
  };
  return traceparent === undefined ? whole : { ...whole, meta: { traceparent } };
}

/** What the span of a handler says that has failed. */
const failed = (type: string, message: string) => ({
  status: { code: SpanStatusCode.ERROR, message },
  attributes: { 'error.type': type },
  events: [{ name: 'exception', attributes: { 'exception.message': message } }],
});

/** Hands a page to a handler that counts it. */
const handle = (events: CommitcastEvent[]) =>
  tracedBatch((_tx: string, page: CommitcastEvent[], _context: object) => page.length)('tx', events, {});

describe('traced', () => {
  it('is the handler, and nothing else, without an SDK', () => {
    const seen: unknown[] = [];
    const handler = traced((given: CommitcastEvent) => {
      seen.push(trace.getActiveSpan());
      return given.position;
    });
    expect(handler(event(parentOf(traceA, 1)))).toBe(7);
    expect(seen).toEqual([undefined]);
  });

  it('ends its span when the handler is done, and gives back what it returned', async () => {
    const sdk = registerSdk();
    expect(traced(() => 'now')(event(parentOf(traceA, 1)))).toBe('now');
    expect(sdk.spans()).toHaveLength(1);
    const waiting = new Waiters();
    const later = traced(() => waiting.wait(1, new AbortController().signal).then(() => 'later'))(event());
    await Promise.resolve();
    expect(sdk.spans()).toHaveLength(1);
    waiting.release(1);
    expect(await later).toBe('later');
    expect(sdk.spans()).toHaveLength(2);
  });

  it('what a handler throws, or rejects with, fails its span and is thrown on', async () => {
    const sdk = registerSdk();
    const error = new RangeError('too far');
    expect(() =>
      traced(() => {
        throw error;
      })(event()),
    ).toThrow(error);
    await expect(traced(() => Promise.reject(error))(event())).rejects.toBe(error);
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- libraries do
    await expect(traced(() => Promise.reject('a text'))(event())).rejects.toBe('a text');
    expect(sdk.spans()).toMatchObject([
      failed('RangeError', 'too far'),
      failed('RangeError', 'too far'),
      failed('string', 'a text'),
    ]);
  });

  it('an event without a context begins a trace, or goes on with what is active', () => {
    const sdk = registerSdk();
    traced(() => undefined)(event());
    sdk.tracer.startActiveSpan('outer', (outer) => {
      traced(() => undefined)(event('nonsense'));
      outer.end();
    });
    const [first, second, outer] = sdk.spans();
    expect(first).toMatchObject({ links: [], name: 'process org:{org}' });
    expect(first?.parentSpanContext).toBeUndefined();
    expect(second?.parentSpanContext?.spanId).toBe(spanIdOf(outer));
  });

  it.each([
    [{}, 'org:acme', 'org:{org}'],
    [{ site: 's1' }, 'org:acme:site:s1', 'org:{org}:site:{site}'],
    [{ unit: 'u1' }, 'org:acme:unit:u1', 'org:{org}:unit:{unit}'],
    [{ site: 's1', unit: 'u1' }, 'org:acme:unit:u1', 'org:{org}:unit:{unit}'],
  ])('the destination of an event about %j is its room', (scope, name, template) => {
    const sdk = registerSdk();
    traced(() => undefined)(event(undefined, scope));
    expect(sdk.spans()).toMatchObject([
      {
        name: `process ${template}`,
        attributes: { 'messaging.destination.name': name, 'messaging.destination.template': template },
      },
    ]);
  });
});

describe('tracedBatch', () => {
  it('goes on with the trace that all of its events are of', () => {
    const sdk = registerSdk();
    expect(handle([event(parentOf(traceA, 1)), event(parentOf(traceA, 2))])).toBe(2);
    const [span] = sdk.spans();
    expect(traceIdOf(span)).toBe(traceA);
    expect(span?.parentSpanContext?.spanId).toBe(spanOf(1));
    expect(span?.links.map((link) => link.context.spanId)).toEqual([spanOf(1), spanOf(2)]);
    expect(span?.attributes).toMatchObject({ 'messaging.batch.message_count': 2 });
    // Of one event only.
    expect(span?.attributes).not.toHaveProperty('messaging.message.id');
  });

  it.each([
    ['of two traces', [parentOf(traceA, 1), parentOf(traceB, 2)], 2],
    ['of one trace and of none', [parentOf(traceA, 1), undefined], 1],
    ['of none and of one trace', [undefined, parentOf(traceA, 1)], 1],
  ])('begins a trace for events %s, and links to where they came from', (_, parents, links) => {
    const sdk = registerSdk();
    handle(parents.map((parent) => event(parent)));
    const [span] = sdk.spans();
    expect([traceA, traceB]).not.toContain(traceIdOf(span));
    expect(span?.links).toHaveLength(links);
  });

  it('is the handler, and nothing else, without an SDK', () => {
    expect(handle([event(parentOf(traceA, 1))])).toBe(1);
  });
});

describe('the context of an event', () => {
  const valid = { traceId: traceA, spanId: spanOf(1), traceFlags: 1, isRemote: true };

  it.each<[unknown, SpanContext]>([
    [parentOf(traceA, 1), valid],
    [`00-${traceA}-${spanOf(1)}-00`, { ...valid, traceFlags: 0 }],
    [`01-${traceA}-${spanOf(1)}-01`, valid],
    [`01-${traceA}-${spanOf(1)}-01-more`, valid],
  ])('%s', (traceparent, expected) => {
    expect(spanContextOf(event(traceparent))).toEqual(expected);
  });

  it.each([
    undefined,
    7,
    null,
    '',
    'nonsense',
    `ff-${traceA}-${spanOf(1)}-01`,
    `00-${traceA}-${spanOf(1)}-01-more`,
    `00-${'0'.repeat(32)}-${spanOf(1)}-01`,
    `00-${traceA}-${spanOf(0)}-01`,
    `00-${traceA.toUpperCase()}-${spanOf(1)}-01`,
    ` 00-${traceA}-${spanOf(1)}-01`,
  ])('%j is none', (traceparent) => {
    expect(spanContextOf(event(traceparent))).toBeUndefined();
  });

  it('has the state of the vendor', () => {
    const meta = { traceparent: parentOf(traceA, 1), tracestate: 'vendor=a1' };
    expect(spanContextOf({ meta })?.traceState?.serialize()).toBe('vendor=a1');
    expect(spanContextOf({ meta: { ...meta, tracestate: 7 } })).toEqual(valid);
  });
});
