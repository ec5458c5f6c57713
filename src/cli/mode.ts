import type { Settings } from '../config/settings.ts';
import { CommitcastError } from '../core/errors.ts';

/** What `serve` brings itself, because nothing is named. */
export interface Mode {
  /** Start the embedded Postgres. */
  embedded: boolean;
  /** Make and keep a secret in the folder. */
  ownKey: boolean;
  host: string;
  /** Nothing is named: this is somebody's own machine. */
  development: boolean;
}

export interface ModeFlags {
  demo: boolean;
  demoIntoThisDatabase: boolean;
}

/** @throws {CommitcastError} `DATABASE_REQUIRED`, `JWT_KEY_REQUIRED`, `DEMO_REFUSED` */
export function decideMode(
  { databaseUrl, jwtSecret, jwtPublicKey, jwtJwksUrl, host }: Settings,
  { demo, demoIntoThisDatabase }: ModeFlags,
  production: boolean,
): Mode {
  const named = databaseUrl !== undefined;
  const key = [jwtSecret, jwtPublicKey, jwtJwksUrl].some((value) => value !== undefined);
  if (demo && production)
    throw new CommitcastError('DEMO_REFUSED', 'The demo does not run with NODE_ENV=production');
  if (demo && named && !demoIntoThisDatabase) {
    throw new CommitcastError(
      'DEMO_REFUSED',
      'The demo writes into its database, and DATABASE_URL names one',
    );
  }
  if (!named && production) {
    throw new CommitcastError('DATABASE_REQUIRED', 'NODE_ENV=production, and no database is named');
  }
  if (named && !key && !demo) throw new CommitcastError('JWT_KEY_REQUIRED');
  const development = !named && !key;
  return {
    embedded: !named,
    ownKey: !key,
    // Tokens of a demo, and of a development secret, are for this machine.
    host: host ?? (development || demo ? '127.0.0.1' : '0.0.0.0'),
    development,
  };
}
