/** What a metric is. Names, units and labels as Prometheus recommends them; no label is of an org or a user. */
export interface MetricDeclaration {
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly help: string;
  readonly labels?: readonly string[];
}
