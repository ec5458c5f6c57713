import { databaseMetrics } from './metrics-declared-database.ts';
import { gatewayMetrics } from './metrics-declared-gateway.ts';
import { relayMetrics } from './metrics-declared-relay.ts';

/** All metrics, once: what is served, and what `docs/monitoring` says of it, is tested against them. */
export const metrics = { ...gatewayMetrics, ...relayMetrics, ...databaseMetrics };

export type MetricName = keyof typeof metrics;

/** The labels of a metric and their values. */
export type LabelsOf<Name extends MetricName> = (typeof metrics)[Name] extends {
  readonly labels: readonly (infer Label extends string)[];
}
  ? Readonly<Record<Label, string>>
  : Readonly<Record<string, never>>;
