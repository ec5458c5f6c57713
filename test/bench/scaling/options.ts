import { parseArgs } from 'node:util';
import type { Size } from '../harness/row.ts';
import { sweepsNamed } from './all-sweeps.ts';
import type { Sweep } from './sweep.ts';

export interface ScalingOptions {
  sweeps: Sweep[];
  /** Of the harness: whatever is no smoke run may take its time. */
  size: Extract<Size, 'smoke' | 'full'>;
  rounds: number;
  /** Folder of the results; a smoke run writes none unless it is named. */
  output?: string;
}

export const usage = `npx tsx test/bench/scaling.ts [--only writers,sockets,rooms,instances,log] [--smoke] [--output docs/benchmarks]
  without --smoke  two rounds, the points up and then down: some five minutes
  --smoke          two points each, for correctness; writes nothing without --output
  --only           these sweeps alone; the results of the others are kept`;

/** @throws with what is wrong with the arguments. */
export function parseScalingCommandLine(args: string[]): ScalingOptions {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      output: { type: 'string' },
    },
  });
  const output = values.output ?? (values.smoke ? undefined : 'docs/benchmarks');
  return {
    sweeps: sweepsNamed(values.only?.split(',')),
    size: values.smoke ? 'smoke' : 'full',
    rounds: 2,
    ...(output !== undefined && { output }),
  };
}
