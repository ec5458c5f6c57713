import { parseArgs } from 'node:util';

export interface ChaosOptions {
  /** How long faults are drawn; start, healing and judging come on top. */
  seconds: number;
  seed: number;
  clients: number;
  writers: number;
  /** Transactions a second, of all writers together. */
  rate: number;
  adapter: 'postgres' | 'redis';
  /** `false`: dispatchers trust each doorbell, and the run must find what that loses. */
  continuity: boolean;
  /** `false`: handlers of consumers do not write in their transaction, and the run must find what that breaks. */
  atomic: boolean;
  /** Kinds of faults by name; `undefined`: all. */
  faults: readonly string[] | undefined;
  /** Ends when every kind has come so often, though the time is not over. */
  rounds: number;
  /** Share of faults that begin before the one before has been recovered from. */
  overlap: number;
  print: (line: string) => void;
  /** Ends the drawing of faults early. */
  signal: AbortSignal;
}

export interface CommandLine extends Omit<ChaosOptions, 'print' | 'signal'> {
  /** Folder for the table, the chart and the JSON; `undefined`: a temporary one. */
  out: string | undefined;
}

export const usage = `npm run chaos -- [--minutes 5] [--seconds N] [--seed N] [--clients 200] [--writers 16] [--rate 60]
  [--faults NAME,NAME] [--rounds N] [--overlap 0.2] [--adapter postgres|redis] [--without-continuity]
  [--without-atomicity] [--out FOLDER]`;

/** @throws {Error} for what is not one of `usage`. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '5' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: process.env['TEST_SEED'] ?? String(Date.now() % 2 ** 32) },
      clients: { type: 'string', default: '200' },
      writers: { type: 'string', default: '16' },
      rate: { type: 'string', default: '60' },
      faults: { type: 'string' },
      rounds: { type: 'string', default: '1000' },
      overlap: { type: 'string', default: '0.2' },
      adapter: { type: 'string', default: 'postgres' },
      'without-continuity': { type: 'boolean', default: false },
      'without-atomicity': { type: 'boolean', default: false },
      out: { type: 'string' },
    },
  });
  const number = (name: keyof typeof values, min: number, max: number): number => {
    const value = Number(values[name]);
    if (!(value >= min && value <= max)) throw new Error(`--${name} is a number from ${min} to ${max}`);
    return value;
  };
  const { adapter } = values;
  if (adapter !== 'postgres' && adapter !== 'redis') throw new Error('--adapter is postgres or redis');
  return {
    seconds: values.seconds === undefined ? number('minutes', 0.05, 120) * 60 : number('seconds', 3, 7_200),
    seed: number('seed', 0, 2 ** 32 - 1),
    clients: number('clients', 1, 1_000),
    writers: number('writers', 1, 64),
    rate: number('rate', 1, 1_000),
    faults: values.faults?.split(','),
    rounds: number('rounds', 1, 1_000),
    overlap: number('overlap', 0, 1),
    adapter,
    continuity: !values['without-continuity'],
    atomic: !values['without-atomicity'],
    out: values.out,
  };
}
