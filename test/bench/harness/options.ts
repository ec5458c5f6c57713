import { parseArgs } from 'node:util';
import type { Size } from './row.ts';

export interface Options {
  size: Size;
  /** Numbers of rows; all when absent. */
  only?: number[];
  rounds: number;
  resume: boolean;
  /** Folder of the results; a smoke run writes none unless it is named. */
  output?: string;
}

export const usage = `npm run bench -- [--only 1,3] [--full | --smoke] [--rounds N] [--resume] [--output docs/benchmarks]
  without a size   three rounds of ours, the floors and the strongest peers: half an hour
  --full           five rounds of everything, for a night; goes on where it was interrupted
  --smoke          one short round, for correctness; writes nothing without --output
  --only           these rows alone; the results of the others are kept
  --resume         go on with an interrupted run of this commit`;

const roundsOf: Record<Size, number> = { smoke: 1, short: 3, full: 5 };

/** @throws with what is wrong with the arguments. */
export function parseCommandLine(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      full: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      resume: { type: 'boolean', default: false },
      output: { type: 'string' },
    },
  });
  if (values.full && values.smoke) throw new Error('--full and --smoke exclude each other');
  const size = values.full ? 'full' : values.smoke ? 'smoke' : 'short';
  const rounds = values.rounds === undefined ? roundsOf[size] : positive('--rounds', values.rounds);
  const only = values.only?.split(',').map((each) => positive('--only', each));
  const output = values.output ?? (size === 'smoke' ? undefined : 'docs/benchmarks');
  return {
    size,
    rounds,
    resume: values.resume,
    ...(only && { only }),
    ...(output !== undefined && { output }),
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name}: "${text}" is no number from 1 on`);
  return value;
}
