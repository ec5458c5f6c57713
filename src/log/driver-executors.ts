import { sqlStateOf } from '../db/sql-state.ts';

/** What postgres.js hands to the callback of `sql.begin`. */
export interface PostgresJsTransaction {
  unsafe(text: string, values?: unknown[]): PromiseLike<unknown>;
}

/** A Kysely transaction over Postgres. */
export interface KyselyTransaction {
  executeQuery(query: object): Promise<{ rows: unknown[] }>;
  withoutPlugins(): Pick<KyselyTransaction, 'executeQuery'>;
}

/** A Knex transaction over `pg`. */
export interface KnexTransaction {
  raw(text: string, values: readonly unknown[]): PromiseLike<unknown>;
}

export type DriverTransaction = PostgresJsTransaction | KyselyTransaction | KnexTransaction;

/** What answers is of the driver's form, and as the application wants its own rows. */
type Query = (text: string, values?: unknown[]) => PromiseLike<unknown>;

/** Told apart by what each of them alone has; `undefined`: none of them. */
export function driverQueryOf(tx: unknown): Query | undefined {
  if (has<PostgresJsTransaction>(tx, 'unsafe')) return ofPostgresJs(tx);
  if (has<KyselyTransaction>(tx, 'executeQuery', 'withoutPlugins')) return ofKysely(tx);
  if (has<KnexTransaction>(tx, 'raw')) return ofKnex(tx);
  return undefined;
}

function has<Kind extends DriverTransaction>(tx: unknown, ...methods: (keyof Kind & string)[]): tx is Kind {
  return methods.every((method) => typeof (tx as Partial<Kind> | null | undefined)?.[method] === 'function');
}

function ofPostgresJs(tx: PostgresJsTransaction): Query {
  return (text, values = []) => tx.unsafe(withJsonAsText(text), values.map(nullOf));
}

/** Without the application's plugins, which may give columns other names. */
function ofKysely(tx: KyselyTransaction): Query {
  const plain = tx.withoutPlugins();
  return (text, values = []) => {
    const sql = withJsonAsText(text);
    const query = { kind: 'RawNode', sqlFragments: [sql], parameters: [] };
    return plain.executeQuery({ sql, parameters: values, query, queryId: { queryId: 'commitcast' } });
  };
}

/** Knex counts its placeholders, `?`, by their places; one that is none is written `\?`. */
function ofKnex(tx: KnexTransaction): Query {
  return async (text, values = []) => {
    const inPlace: unknown[] = [];
    const raw = text.replaceAll(/\?|\$(\d+)/g, (_match, number?: string) => {
      if (number === undefined) return String.raw`\?`;
      inPlace.push(nullOf(values[Number(number) - 1]));
      return '?';
    });
    try {
      return await tx.raw(raw, inPlace);
    } catch (error) {
      throw withoutStatement(error, raw);
    }
  };
}

/** postgres.js writes whatever goes into a `jsonb` parameter as JSON, also what is JSON text already. */
function withJsonAsText(text: string): string {
  return text.replaceAll(/(\$\d+)::jsonb\b/g, '$1::text::jsonb');
}

function nullOf(value: unknown): unknown {
  return value === undefined ? null : value;
}

/** Knex puts the statement, with all values in it, before what a guard says; what follows the last value is as given. */
function withoutStatement(error: unknown, raw: string): unknown {
  if (!(error instanceof Error) || !sqlStateOf(error)?.startsWith('CC')) return error;
  const end = `${raw.slice(raw.lastIndexOf('?') + 1)} - `;
  const at = error.message.lastIndexOf(end);
  if (at !== -1) error.message = error.message.slice(at + end.length);
  return error;
}
