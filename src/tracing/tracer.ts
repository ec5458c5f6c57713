import { trace, type ProxyTracerProvider, type Tracer, type TracerProvider } from '@opentelemetry/api';

const name = 'commitcast';

/**
 * `undefined` as long as the application has registered no SDK: then nobody looks for what a span would need. What stands
 * in for an SDK says so only by this method, which is asked for by name, because another copy of the API may have made it.
 */
export function registeredTracer(): Tracer | undefined {
  const provider: TracerProvider & Partial<Pick<ProxyTracerProvider, 'getDelegateTracer'>> =
    trace.getTracerProvider();
  return provider.getDelegateTracer ? provider.getDelegateTracer(name) : provider.getTracer(name);
}
