import { Pool } from 'pg';
import { expect, onTestFinished } from 'vitest';
import type { RoleKind } from '../../src/cli/role-privileges.ts';
import { runCli } from '../support/cli.ts';
import type { TestDatabase } from '../support/database.ts';

export const denied = { code: '42501' };

/** A login role without any right, in a name that must be quoted; and what the command prints for it. */
export async function createRole(database: TestDatabase, kind: RoleKind) {
  const url = await database.urlAsMemberOf();
  const role = new URL(url).username;
  const { stdout, code } = await runCli(['grants', `--${kind}`, role], { cwd: '/' });
  expect(code).toBe(0);
  await database.pool.query(stdout);
  return { url, role };
}

export const poolOf = (connectionString: string) => {
  const pool = new Pool({ connectionString, max: 2 });
  onTestFinished(() => pool.end());
  return pool;
};
