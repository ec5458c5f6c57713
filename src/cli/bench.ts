import { CommitcastError } from '../core/errors.ts';
import { silentLogger } from '../core/logger.ts';
import { assertDirect } from '../db/pooled.ts';
import { isCorrect } from './bench/ledger.ts';
import { measure } from './bench/measure.ts';
import { withOwnDatabase } from './bench/own-database.ts';
import { Progress } from './bench/progress.ts';
import { reportText } from './bench/report-text.ts';
import { parseOptions, type Command } from './command.ts';
import { findDatabase } from './folder.ts';

const defaultSeconds = 4;
const maxSeconds = 60;
/** As a shell counts a command that a signal ended. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

export const benchCommand: Command = {
  name: 'bench',
  summary:
    "Measures what Commitcast costs and gives on the database's own server, in a database that it makes and drops.",
  usage: [
    '--seconds N   how long each point is measured; by default 4: less than a minute in all',
    '--json        the figures for machines; progress goes to standard error',
    'It loads the server for that time, and needs a role that may create databases (CREATEDB).',
  ],
  async run(args) {
    const options = parseOptions(args, { json: { type: 'boolean' }, seconds: { type: 'string' } });
    const seconds = secondsOf(options.seconds);
    const connectionString = await findDatabase();
    await assertDirect({ connectionString, logger: silentLogger });
    const { signal, release } = abortOnSignal();
    const progress = new Progress(process.stderr);
    try {
      const report = await withOwnDatabase(connectionString, (url, name) =>
        measure({ url, name, seconds, signal, say: progress.say }),
      );
      progress.end();
      process.stdout.write(`${options.json ? JSON.stringify(report) : reportText(report)}\n`);
      if (!isCorrect(report.events)) process.exitCode = 1;
    } catch (error) {
      progress.end();
      if (!(error instanceof Interrupted)) throw error;
      process.stderr.write('Interrupted; the database of the benchmark is dropped.\n');
      process.exitCode = exitCodes[error.by];
    } finally {
      release();
    }
  },
};

class Interrupted extends Error {
  readonly by: keyof typeof exitCodes;

  constructor(by: keyof typeof exitCodes) {
    super(`interrupted by ${by}`);
    this.by = by;
  }
}

/** A second signal changes nothing: what was made is taken down first, and no step of that waits without a limit. */
function abortOnSignal(): { signal: AbortSignal; release: () => void } {
  const interrupt = new AbortController();
  const listener = (by: keyof typeof exitCodes) => {
    interrupt.abort(new Interrupted(by));
  };
  const signals = Object.keys(exitCodes) as (keyof typeof exitCodes)[];
  for (const each of signals) process.on(each, listener);
  return {
    signal: interrupt.signal,
    release() {
      for (const each of signals) process.off(each, listener);
    },
  };
}

function secondsOf(text: string | undefined): number {
  const seconds = text === undefined ? defaultSeconds : Number(text);
  if (text?.trim() === '' || !(seconds > 0 && seconds <= maxSeconds))
    throw new CommitcastError(
      'USAGE',
      `--seconds ${text}: expected a number above 0, and up to ${maxSeconds}`,
    );
  return seconds;
}
