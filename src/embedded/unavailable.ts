import { CommitcastError } from '../core/errors.ts';

const elsewhere = 'Or set DATABASE_URL to a Postgres server.';

/** `EMBEDDED_UNAVAILABLE`: why the embedded server cannot run here, and what to do about it. */
export function unavailable(why: string, remedy = '', options?: ErrorOptions): CommitcastError {
  const what = `The embedded Postgres cannot run here: ${why.trim().replace(/\.$/, '')}.`;
  return new CommitcastError(
    'EMBEDDED_UNAVAILABLE',
    [what, remedy, elsewhere].filter(Boolean).join(' '),
    options,
  );
}
