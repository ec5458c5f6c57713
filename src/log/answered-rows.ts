import { CommitcastError } from '../core/errors.ts';

type Row = Record<string, unknown>;

/** As Postgres calls a column that was given no name. */
const unnamed = '?column?';

/**
 * The rows of what a driver answers, with the names that our statement gave them. Applications have their drivers rename
 * columns, as in `transform: postgres.camel`, and a row that is read by another name has nothing in it: what was only
 * written in another case is written back, and anything else is refused.
 *
 * @throws {CommitcastError} `CONFIG_INVALID` for an answer without rows, or with a column that was not asked for
 */
export function answeredRows(text: string, answer: unknown): unknown[] {
  const rows = rowsAmong(answer);
  const [first] = rows;
  if (first === undefined) return rows;
  const words = new Set([...(text.match(/\w+/g) ?? []), unnamed]);
  const given = Object.keys(first);
  if (given.every((name) => words.has(name))) return rows;
  const names = new Map(given.map((name) => [name, words.has(name) ? name : ourName(name, words)]));
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [names.get(name) ?? name, value])),
  );
}

function rowsAmong(answer: unknown): Row[] {
  const rows = Array.isArray(answer) ? answer : (answer as { rows?: unknown } | null | undefined)?.rows;
  if (!Array.isArray(rows))
    throw new CommitcastError(
      'CONFIG_INVALID',
      'The transaction does not answer a statement with its rows: query(text, values) has to resolve with { rows }, or with an array of them',
    );
  // TypeORM answers an `update` or `delete` with [rows, count].
  return (Array.isArray(rows[0]) ? rows[0] : rows) as Row[];
}

function ourName(name: string, words: ReadonlySet<string>): string {
  const alike = [...words].filter((word) => lettersOf(word) === lettersOf(name));
  const [ours] = alike;
  if (ours !== undefined && alike.length === 1) return ours;
  throw new CommitcastError(
    'CONFIG_INVALID',
    `The driver answers with a column ${JSON.stringify(name)}, which was not asked for: it renames columns, and not only from one case to another. Give Commitcast a transaction of a driver without that`,
  );
}

function lettersOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, '').toLowerCase();
}
