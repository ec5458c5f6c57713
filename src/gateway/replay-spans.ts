import { diag, ROOT_CONTEXT, SpanKind, trace, type SpanContext, type Tracer } from '@opentelemetry/api';
import { describeOperation } from '../tracing/describe-event.ts';
import { commonTrace, spanContextOf } from '../tracing/trace-context.ts';
import { registeredTracer } from '../tracing/tracer.ts';
import type { EventsFrame } from './events-frame.ts';

/** An SDK keeps so many links of a span, unless it is told otherwise. */
const maxLinks = 128;
const sampled = 1;
const sampledTrace = /"traceparent": ?"[^"]{54}[13579bdf]"/;

/** Of the events of a message; a page is shared by many sessions, and looked into once. */
const known = new WeakMap<EventsFrame, readonly (SpanContext | undefined)[]>();

export interface Replay {
  readonly org: string;
  readonly source: 'memory' | 'log';
  /** When the page was asked for, in Unix milliseconds. */
  readonly since: number;
}

/**
 * Sends a message of a catch-up, in a span of its own when one of its events is of a sampled trace: from where its page
 * was asked for to where it was handed to the connection. As for a page of a durable consumer: events of one trace go on
 * with it, and those of several are linked to. Whatever an SDK does, the message is sent; without one, nothing else is done.
 */
export function sendReplayed(frame: EventsFrame, replay: Replay, send: (frame: EventsFrame) => void): void {
  const tracer = registeredTracer();
  if (!tracer) {
    send(frame);
    return;
  }
  const end = begin(tracer, frame, replay);
  try {
    send(frame);
  } finally {
    end?.();
  }
}

function begin(tracer: Tracer, frame: EventsFrame, { org, source, since }: Replay): (() => void) | undefined {
  try {
    const sources = sourcesOf(frame);
    if (!sources.some((one) => one && (one.traceFlags & sampled) !== 0)) return undefined;
    const from = commonTrace(sources);
    const distinct = new Map(sources.flatMap((one) => (one ? [[one.spanId, one] as const] : [])));
    const span = tracer.startSpan(
      'replay org:{org}',
      {
        kind: SpanKind.PRODUCER,
        startTime: since,
        attributes: {
          ...describeOperation('send', 'replay'),
          'messaging.system': 'commitcast',
          'messaging.destination.name': `org:${org}`,
          'messaging.destination.template': 'org:{org}',
          'messaging.batch.message_count': sources.length,
          'messaging.commitcast.replay.source': source,
        },
        links: [...distinct.values()].slice(0, maxLinks).map((one) => ({ context: one })),
      },
      from ? trace.setSpanContext(ROOT_CONTEXT, from) : ROOT_CONTEXT,
    );
    return () => {
      try {
        span.end();
      } catch (error) {
        diag.error('Commitcast: a span could not be ended', error);
      }
    };
  } catch (error) {
    diag.error('Commitcast: a span could not be started', error);
    return undefined;
  }
}

function sourcesOf(frame: EventsFrame): readonly (SpanContext | undefined)[] {
  let sources = known.get(frame);
  if (!sources) {
    // Most pages need not be parsed: there is no trace in them, or none that is sampled.
    const events = sampledTrace.test(frame.packet) ? frame.values[0] : [];
    sources = events.map(spanContextOf);
    known.set(frame, sources);
  }
  return sources;
}
