import { createTraceState, isSpanContextValid, trace, type SpanContext } from '@opentelemetry/api';
import type { CommitcastEvent, NewEvent } from '../core/event.ts';

/** What an event carries in its `meta`: the names and forms of W3C Trace Context, https://www.w3.org/TR/trace-context/. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** Of the span that is active; `undefined` without one, so without an SDK, too. */
export function activeTraceContext(): TraceContext | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  if (!span || !isSpanContextValid(span)) return undefined;
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, '0');
  const traceparent = `00-${span.traceId}-${span.spanId}-${flags}`;
  const tracestate = span.traceState?.serialize();
  return tracestate ? { traceparent, tracestate } : { traceparent };
}

/** Bytes of `meta` that the database takes, as it writes them. */
const maxMetaBytes = 16_384;

/**
 * The event with the context in its `meta`; as it is when it has one already, when its `meta` is of another form (whoever
 * checks it will say so), or has no room for it: tracing makes no append fail.
 */
export function withTraceContext(event: NewEvent, traceContext: TraceContext): NewEvent {
  // Callers without a compiler may give anything.
  const meta = (event as NewEvent | null)?.meta as unknown;
  if (meta === undefined) return isObject(event) ? { ...event, meta: { ...traceContext } } : event;
  if (!isObject(meta) || 'traceparent' in meta || !hasRoom({ ...meta, ...traceContext })) return event;
  return { ...event, meta: { ...meta, ...traceContext } };
}

/** Of the span that the event came from. What is not in the form of the standard counts as none. */
export function spanContextOf({ meta }: Pick<CommitcastEvent, 'meta'>): SpanContext | undefined {
  const { traceparent, tracestate } = (meta ?? {}) as { [Name in keyof TraceContext]: unknown };
  if (typeof traceparent !== 'string') return undefined;
  const parts = /^(?!ff)([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/.exec(traceparent);
  const [, version, traceId = '', spanId = '', flags = '', rest] = parts ?? [];
  // Later versions may have more parts; this one has not.
  if (version === '00' && rest !== undefined) return undefined;
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  if (!isSpanContextValid(span)) return undefined;
  return typeof tracestate === 'string' ? { ...span, traceState: createTraceState(tracestate) } : span;
}

/** The first of them, when all are of its trace. */
export function commonTrace([first, ...others]: readonly (SpanContext | undefined)[]):
  SpanContext | undefined {
  return others.every((other) => other?.traceId === first?.traceId) ? first : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Postgres writes a space after each colon and comma. */
function hasRoom(meta: Record<string, unknown>): boolean {
  let text: string;
  try {
    text = JSON.stringify(meta);
  } catch {
    return false;
  }
  return new TextEncoder().encode(text.replaceAll(/[:,]/g, '$& ')).length <= maxMetaBytes;
}
