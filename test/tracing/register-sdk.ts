import { context, trace, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace-base';
import { onTestFinished } from 'vitest';

export interface RegisteredSdk {
  /** The application's own. */
  readonly tracer: Tracer;
  /** What has ended so far. */
  spans(): ReadableSpan[];
  /** Those whose name begins so. */
  named(start: string): ReadableSpan[];
}

/** The SDK that an application would register, until the end of the test. */
export function registerSdk({ sampler }: { sampler?: Sampler } = {}): RegisteredSdk {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler ? { sampler } : {}),
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  onTestFinished(async () => {
    trace.disable();
    context.disable();
    await provider.shutdown();
  });
  const spans = () => exporter.getFinishedSpans();
  return {
    tracer: provider.getTracer('business'),
    spans,
    named: (start) => spans().filter(({ name }) => name.startsWith(start)),
  };
}

export const traceIdOf = (span: ReadableSpan | undefined) => span?.spanContext().traceId;
export const spanIdOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId;
