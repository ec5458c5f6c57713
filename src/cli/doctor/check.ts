import type { Settings } from '../../config/settings.ts';
import type { Executor } from '../../db/executor.ts';
import type { Finding } from './finding.ts';

/** What a check may look at. */
export interface Surroundings {
  /** A session of our own, with all settings that ours have. */
  db: Executor;
  /** The same database, as whoever brings no settings finds it. */
  plain: Executor;
  settings: Pick<Settings, 'retention' | 'databaseUrl' | 'databaseDirectUrl'>;
}

export interface Check {
  readonly name: string;
  /** `server`: any Postgres will do. `schema`: that of this version, on a primary. */
  readonly needs: 'server' | 'schema';
  readonly look: (surroundings: Surroundings) => Promise<Finding[]>;
}
