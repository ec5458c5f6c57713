import { context, SpanKind, trace } from '@opentelemetry/api';
import type { CommitcastEvent } from '../core/event.ts';
import { describeEvent, describeOperation } from './describe-event.ts';
import { inSpan } from './in-span.ts';
import { commonTrace, spanContextOf } from './trace-context.ts';
import { registeredTracer } from './tracer.ts';

/** What the span of a durable consumer says beside its events. */
export interface TracedBatchOptions {
  /** The consumer's `name`. */
  consumer?: string | undefined;
}

/** What a durable consumer reads from, of all orgs. */
const log = 'commitcast.log';

/**
 * Calls the handler of a durable consumer in a span. When all of its events come from one trace, the span goes on with
 * it; events of several transactions have no common one, so the span begins a trace and links to where each came from.
 * Without an SDK it is the handler, and nothing else. With `batch: 1` each event has a span of its own.
 *
 * @example
 * consume({ db, name: 'totals' }, tracedBatch(async (tx, events) => { … }, { consumer: 'totals' }));
 */
export function tracedBatch<Tx, Event extends CommitcastEvent, Context, Result>(
  handler: (tx: Tx, events: Event[], context: Context) => Result,
  { consumer }: TracedBatchOptions = {},
): (tx: Tx, events: Event[], context: Context) => Result {
  return (tx, events, handlerContext) => {
    const tracer = registeredTracer();
    if (!tracer) return handler(tx, events, handlerContext);
    const sources = events.map(spanContextOf);
    const [only, ...others] = events;
    const described = only && others.length === 0 ? describeEvent(only) : undefined;
    const from = commonTrace(sources);
    const span = tracer.startSpan(
      `process ${log}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: {
          'messaging.batch.message_count': events.length,
          ...describeOperation('process', 'process'),
          ...described?.attributes,
          'messaging.system': 'commitcast',
          'messaging.destination.name': log,
          'messaging.destination.template': log,
          ...(consumer === undefined ? {} : { 'messaging.consumer.group.name': consumer }),
        },
        links: sources.flatMap((source) => (source ? [{ context: source }] : [])),
      },
      from ? trace.setSpanContext(context.active(), from) : context.active(),
    );
    return inSpan(span, () => handler(tx, events, handlerContext));
  };
}
