export { traced } from './traced.ts';
export { tracedBatch, type TracedBatchOptions } from './traced-batch.ts';
