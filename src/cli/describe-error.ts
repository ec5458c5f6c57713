import { codes, type Code } from '../core/codes.ts';
import { CommitcastError } from '../core/errors.ts';
import { isUnreachable } from '../db/sql-state.ts';
import { printableLines } from './printable.ts';

export interface DescribedError {
  code: Code;
  message: string;
  /** Absent when the message says it, or nobody knows. */
  remedy?: string;
}

/** An error as a command tells it: coded ones with what to do, all others with where they come from. */
export function describeError(error: unknown): DescribedError {
  if (error instanceof CommitcastError) {
    const { code, message } = error;
    const { remedy } = codes[code];
    return message.includes(remedy) ? { code, message } : { code, message, remedy };
  }
  if (isUnreachable(error))
    return { code: 'UNAVAILABLE', message: `${codes.UNAVAILABLE.meaning}: ${(error as Error).message}` };
  return {
    code: 'INTERNAL',
    message: error instanceof Error ? textOf(error) : String(error),
  };
}

/** What the operating system refused says enough; of all else somebody has to know where it comes from. */
function textOf(error: Error): string {
  const refused = [error, error.cause].some((each) => each instanceof Error && 'syscall' in each);
  return refused ? error.message : (error.stack ?? error.message);
}

export function errorText({ code, message, remedy }: DescribedError): string {
  return printableLines(`${code}: ${message}${remedy === undefined ? '' : `\n${remedy}`}`);
}
