import { Registry, type Gauge } from 'prom-client';
import type { Distribution } from '../core/distribution.ts';
import type { MetricDeclaration } from './metrics-declaration.ts';
import { metrics, type LabelsOf, type MetricName } from './metrics-declared.ts';

/** A value of a metric, and the labels that it has it for. */
export type Sample<Name extends MetricName, Value> = readonly [labels: LabelsOf<Name>, value: Value];

type HistogramName = {
  [Name in MetricName]: (typeof metrics)[Name]['type'] extends 'histogram' ? Name : never;
}[MetricName];
export type NumberName = Exclude<MetricName, HistogramName>;

interface Line {
  metricName?: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/**
 * The declared metrics, each read from where it is counted when it is scraped: nothing is kept twice. A registry of its
 * own; an application's default one is left alone.
 */
export class MetricsRegistry {
  readonly #registry = new Registry();

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** A metric without labels; `undefined`: it is absent now. */
  number(name: NumberName, read: () => number | undefined): void {
    this.#add(name, () => {
      const value = read();
      return value === undefined ? [] : [{ labels: {}, value }];
    });
  }

  numbers<Name extends NumberName>(name: Name, read: () => Iterable<Sample<Name, number>>): void {
    this.#add(name, () => Array.from(read(), ([labels, value]) => ({ labels, value })));
  }

  distributions<Name extends HistogramName>(
    name: Name,
    read: () => Iterable<Sample<Name, Distribution>>,
  ): void {
    this.#add(name, () =>
      Array.from(read()).flatMap(([labels, each]): Line[] => [
        ...Array.from(each.upTo(), ([bound, value]) => ({
          metricName: `${name}_bucket`,
          labels: { ...labels, le: bound === Infinity ? '+Inf' : String(bound) },
          value,
        })),
        { metricName: `${name}_sum`, labels, value: each.sum },
        { metricName: `${name}_count`, labels, value: each.count },
      ]),
    );
  }

  #add(name: MetricName, read: () => Line[]): void {
    const { type, help }: MetricDeclaration = metrics[name];
    const about = { name, help, type, aggregator: 'sum' };
    const metric = { ...about, get: async () => ({ ...about, values: read() }) };
    // The classes of prom-client keep values of their own. All that a registry asks a metric for is this.
    this.#registry.registerMetric(metric as unknown as Gauge);
  }
}
