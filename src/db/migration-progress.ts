import type { Logger } from '../core/logger.ts';
import { sleep } from '../core/sleep.ts';

/** How far a migration is that takes long: on a large log, one that makes an index or numbers streams. */
export interface MigrationProgress {
  /** Its file, such as `0008_streams`. */
  readonly name: string;
  /** Which one of those that the database lacks, from 1. */
  readonly number: number;
  readonly of: number;
  /** Since it began. */
  readonly seconds: number;
  /** The last one of this migration. */
  readonly done: boolean;
}

/** Between two reports. */
const reportMs = 1_000;
/** Of those, the log gets the first, the last, and one in so many. */
const logEvery = 10;

/**
 * Runs one migration, and reports once a second for as long as it takes; one that is done within a second reports
 * nothing. One that fails just ends.
 */
export async function reportLong<Result>(
  step: Pick<MigrationProgress, 'name' | 'number' | 'of'>,
  report: (progress: MigrationProgress) => void,
  work: () => Promise<Result>,
): Promise<Result> {
  const began = performance.now();
  const ended = new AbortController();
  const tell = (done: boolean) => {
    report({ ...step, seconds: Math.round((performance.now() - began) / 1_000), done });
  };
  let told = false;
  const telling = (async () => {
    for (;;) {
      await sleep(reportMs, ended.signal);
      if (ended.signal.aborted) return;
      told = true;
      tell(false);
    }
  })();
  try {
    const result = await work();
    if (told) tell(true);
    return result;
  } finally {
    ended.abort();
    await telling;
  }
}

/** Reports to a log: as often as is of use to whoever reads it later. */
export function reportTo(logger: Logger): (progress: MigrationProgress) => void {
  return ({ done, ...migration }) => {
    if (done) logger.info({ migration }, 'the migration was long, and is done');
    else if (migration.seconds % logEvery === 1)
      logger.info({ migration }, 'the migration takes long; transactions that append wait until it is done');
  };
}
