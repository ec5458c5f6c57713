import { diag, ROOT_CONTEXT, SpanKind, trace, type Span, type Tracer } from '@opentelemetry/api';
import { eventOf, type WireEvent } from '../log/wire-event.ts';
import { describeEvent, describeOperation } from '../tracing/describe-event.ts';
import { spanContextOf } from '../tracing/trace-context.ts';
import { registeredTracer } from '../tracing/tracer.ts';
import type { Batch } from './batches.ts';

/**
 * The span of each event that is delivered live, from where the dispatcher has it to where its sessions have been
 * written to. It goes on with the trace of the transaction. What nobody here gets has none; what a session gets by
 * catching up has those of `replay-spans.ts`; without an SDK nothing has. Whatever an SDK does, events are delivered.
 */
export class DispatchSpans {
  #open: Span[] = [];

  add({ events }: Batch, sessions: number): void {
    const tracer = sessions > 0 ? registeredTracer() : undefined;
    if (!tracer) return;
    try {
      for (const event of events) this.#start(tracer, event, sessions);
    } catch (error) {
      diag.error('Commitcast: a span could not be started', error);
    }
  }

  end(): void {
    if (this.#open.length === 0) return;
    const open = this.#open;
    this.#open = [];
    try {
      for (const span of open) span.end();
    } catch (error) {
      diag.error('Commitcast: a span could not be ended', error);
    }
  }

  #start(tracer: Tracer, wire: WireEvent, sessions: number): void {
    // Most of what is not traced need not be parsed.
    if (!wire.json.includes('"traceparent"')) return;
    const event = eventOf(wire);
    const from = spanContextOf(event);
    if (!from) return;
    const { destination, attributes } = describeEvent(event);
    const span = tracer.startSpan(
      `dispatch ${destination}`,
      {
        kind: SpanKind.PRODUCER,
        attributes: {
          ...describeOperation('send', 'dispatch'),
          ...attributes,
          'messaging.message.envelope.size': wire.bytes,
          'messaging.commitcast.sessions': sessions,
        },
        links: [{ context: from }],
      },
      trace.setSpanContext(ROOT_CONTEXT, from),
    );
    this.#open.push(span);
  }
}
