import { CommitcastError } from '../core/errors.ts';

type Row = Record<string, unknown>;

/** As Postgres calls a column that was given no name. */
const unnamed = '?column?';

/**
 * The rows of what a driver answers, with the names that our statement gave them. Applications have their drivers rename
 * columns, as in `transform: postgres.camel`, and a row that is read by another name has nothing in it: what was only
 * written in another case is written back, and anything else is refused.
 *
 * @throws {CommitcastError} `TRANSACTION_INVALID` for an answer without rows, or with a column that was not asked for,
 *   or none with a name
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
  const rows = Array.isArray(answer)
    ? withoutCount(answer)
    : (answer as { rows?: unknown } | null | undefined)?.rows;
  if (!Array.isArray(rows))
    throw new CommitcastError(
      'TRANSACTION_INVALID',
      'The transaction does not answer a statement with its rows: query(text, values) has to resolve with { rows }, or with an array of them',
    );
  if (rows.some((row) => typeof row !== 'object' || row === null || Array.isArray(row)))
    throw new CommitcastError(
      'TRANSACTION_INVALID',
      'The driver answers with rows that have no names of columns, as in `rowMode: "array"`. Give Commitcast a transaction of a driver without that',
    );
  return rows as Row[];
}

/** TypeORM answers an `update` or `delete` with [rows, count], and all else with the rows. */
function withoutCount(answer: unknown[]): unknown[] {
  const [rows, count] = answer;
  return answer.length === 2 && Array.isArray(rows) && (typeof count === 'number' || count === null)
    ? rows
    : answer;
}

function ourName(name: string, words: ReadonlySet<string>): string {
  const alike = [...words].filter((word) => lettersOf(word) === lettersOf(name));
  const [ours] = alike;
  if (ours !== undefined && alike.length === 1) return ours;
  throw new CommitcastError(
    'TRANSACTION_INVALID',
    `The driver answers with a column ${JSON.stringify(name)}, which was not asked for: it renames columns, and not only from one case to another. Give Commitcast a transaction of a driver without that`,
  );
}

function lettersOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, '').toLowerCase();
}
