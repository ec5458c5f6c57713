import { rowsOf, type Executor } from '../db/executor.ts';

/** How each name is written in a statement for this server: in quotes where it needs them. */
export async function readQuotedNames(db: Executor, names: readonly string[]): Promise<Map<string, string>> {
  const rows = await rowsOf<{ name: string; quoted: string }>(
    db,
    'select name, quote_ident(name) as quoted from unnest($1::text[]) as name',
    [names],
  );
  return new Map(rows.map(({ name, quoted }) => [name, quoted]));
}
