import { Client } from 'pg';
import { sqlStateOf } from '../../src/db/sql-state.ts';
import { supportName } from './administer.ts';
import { copyIn } from './copy-in.ts';
import type { TrapTransaction } from './trap-transactions.ts';

/** Lost conflicts, deadlocks, refused commits, and a parent that another has deleted meanwhile. */
export const expectedFailures: ReadonlySet<string> = new Set(['40001', '40P01', 'MF001', '23503', '22012']);

/** A writer's connection, which knows whether it is lost. */
export interface WriterSession {
  readonly client: Client;
  readonly lost: boolean;
}

/** Returns the SQLSTATE of the failure, or its text when it has none; `undefined` when all went well. */
export async function runTransaction(
  client: Client,
  { statements, oneMessage }: TrapTransaction,
): Promise<string | undefined> {
  try {
    if (oneMessage) await client.query(statements.map(String).join(';\n'));
    else
      for (const statement of statements) {
        if (typeof statement === 'string') await client.query(statement);
        else await copyIn(client, statement.copy, statement.content);
      }
    return undefined;
  } catch (error) {
    return sqlStateOf(error) ?? String(error);
  }
}

export async function connectWriter(url: string, applicationName = supportName): Promise<WriterSession> {
  const client = new Client({ connectionString: url, application_name: applicationName });
  let lost = false;
  client.on('error', () => (lost = true));
  client.on('end', () => (lost = true));
  await client.connect();
  await client.query(`set deadlock_timeout = '20ms'`);
  return {
    client,
    get lost() {
      return lost;
    },
  };
}
