import type { Executor } from '../../db/executor.ts';
import { readQuotedNames } from '../../log/read-quoted-names.ts';
import { isPrintable, printable } from '../printable.ts';

/** The way of a name into SQL, or into a command line, that is to be pasted. */
export type Quote = (name: string) => string;

/**
 * Asks the server how to write these names in a statement, for it knows which words are its own. Any other name is
 * always in quotes.
 */
export async function quoting(db: Executor, names: readonly string[]): Promise<Quote> {
  const quoted = names.length === 0 ? new Map<string, string>() : await readQuotedNames(db, names);
  return (name) => withoutControls(quoted.get(name) ?? `"${name.replaceAll('"', '""')}"`);
}

/** A text as a constant of SQL, whatever `standard_conforming_strings` is. */
export function literal(text: string): string {
  const quoted = text.replaceAll("'", "''");
  if (isPrintable(text) && !text.includes('\\')) return `'${quoted}'`;
  const escaped = printable(
    quoted.replaceAll('\\', '\\\\'),
    (codePoint) => `\\U${codePoint.toString(16).padStart(8, '0')}`,
  );
  return `E'${escaped}'`;
}

/** A text as one word of a command line. */
export function shellWord(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** What a terminal would act on is written by its number: a paste keeps it, and it is in quotes anyhow. */
function withoutControls(quoted: string): string {
  if (isPrintable(quoted)) return quoted;
  const escaped = printable(
    quoted.replaceAll('\\', '\\\\'),
    (codePoint) => `\\+${codePoint.toString(16).padStart(6, '0')}`,
  );
  return `U&${escaped}`;
}
