import { context, SpanKind, trace } from '@opentelemetry/api';
import type { CommitcastEvent } from '../core/event.ts';
import { describeEvent, describeOperation } from './describe-event.ts';
import { inSpan } from './in-span.ts';
import { spanContextOf } from './trace-context.ts';
import { registeredTracer } from './tracer.ts';

/**
 * Calls a subscriber's handler in a span, which goes on with the trace of the transaction that appended the event: from
 * the button that somebody pressed to what another browser shows. An event that carries no context begins a trace.
 * Without an SDK it is the handler, and nothing else. Each attempt at an event is a span.
 *
 * @example
 * truck.on('door.opened', traced(({ data }) => show(data.by)));
 */
export function traced<Event extends CommitcastEvent, Result>(
  handler: (event: Event) => Result,
): (event: Event) => Result {
  return (event) => {
    const tracer = registeredTracer();
    if (!tracer) return handler(event);
    const { destination, attributes } = describeEvent(event);
    const from = spanContextOf(event);
    const span = tracer.startSpan(
      `process ${destination}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: { ...describeOperation('process', 'process'), ...attributes },
        links: from ? [{ context: from }] : [],
      },
      from ? trace.setSpanContext(context.active(), from) : context.active(),
    );
    return inSpan(span, () => handler(event));
  };
}
