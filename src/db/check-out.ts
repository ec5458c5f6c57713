import type { Pool, PoolClient } from 'pg';

/**
 * Takes a client out of a pool, with a listener for its errors from the first moment on: one without ends the process.
 * The pool listens until it hands the client over, and a last message may be in the same packet as the first; a promise
 * would give the client to us too late. What is in flight fails as well, so `onError` may do nothing. Whoever gives the
 * client back takes it off again, after the release.
 */
export function checkOut(pool: Pool, onError: (error: Error) => void): Promise<PoolClient> {
  return new Promise((resolve, reject) => {
    pool.connect((error, client) => {
      if (!client) {
        reject(error ?? new Error('the pool gave no connection'));
        return;
      }
      client.on('error', onError);
      resolve(client);
    });
  });
}
