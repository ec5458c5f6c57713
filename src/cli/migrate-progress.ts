import type { MigrationProgress } from '../db/migration-progress.ts';

/** Between two lines where nobody can rewrite one. */
const lineSeconds = 5;

/** Shows how far a long migration is: a terminal gets one line that is rewritten, a pipe a line now and then. */
export function showMigration(stream: {
  write(text: string): unknown;
  isTTY?: boolean;
}): (progress: MigrationProgress) => void {
  let next = 0;
  return ({ name, number, of, seconds, done }) => {
    const line = `${name} (${number} of ${of}): ${seconds} s${done ? '' : '; transactions that append wait'}`;
    if (stream.isTTY) stream.write(`\r${line}\x1b[K${done ? '\n' : ''}`);
    else if (done || seconds >= next) stream.write(`${line}\n`);
    next = done ? 0 : seconds >= next ? seconds + lineSeconds : next;
  };
}
