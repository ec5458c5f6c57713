import { context, SpanStatusCode, trace, type Span } from '@opentelemetry/api';

/** Does the work with the span active, and ends it with the work: when what is returned has settled. */
export function inSpan<Result>(span: Span, work: () => Result): Result {
  const failed = (error: unknown): never => {
    const { name, message } = error instanceof Error ? error : { name: typeof error, message: String(error) };
    span.recordException({ name, message, stack: error instanceof Error ? (error.stack ?? '') : '' });
    span.setAttribute('error.type', name);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    span.end();
    throw error;
  };
  let result: Result;
  try {
    result = context.with(trace.setSpan(context.active(), span), work);
  } catch (error) {
    return failed(error);
  }
  if (!isThenable(result)) {
    span.end();
    return result;
  }
  const done = (value: unknown) => {
    span.end();
    return value;
  };
  return result.then(done, failed) as Result;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
