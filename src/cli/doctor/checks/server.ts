import { readServer } from '../../../log/read-server.ts';
import { found, type Finding } from '../finding.ts';
import type { Check } from '../check.ts';

const oldestMajor = 14;
const newestMajor = 18;

/** Which Postgres, and whether it may be trusted with what it has said to be committed. */
export const checkServer: Check = {
  name: 'server',
  needs: 'server',
  async look({ db }) {
    const { version, major, standby, unsafe } = await readServer(db);
    const findings: Finding[] = [];
    if (major < oldestMajor)
      findings.push(
        found('POSTGRES_TOO_OLD', `Postgres ${version}.`, `Upgrade to Postgres ${oldestMajor} or newer.`),
      );
    if (major > newestMajor)
      findings.push(
        found(
          'POSTGRES_UNTESTED',
          `Postgres ${version}; tested up to ${newestMajor}.`,
          'See the changelog for a version of Commitcast that names this one.',
        ),
      );
    if (standby)
      findings.push(
        found(
          'DATABASE_STANDBY',
          'The server is in recovery: it replays what its primary writes.',
          'Name the primary in DATABASE_URL; with several hosts, by an address that follows a failover. Events are settled on the primary only.',
        ),
      );
    for (const name of unsafe) {
      findings.push(
        found(
          'FSYNC_OFF',
          `${name} is off.`,
          `As a superuser: alter system set ${name} = on; select pg_reload_conf(). Without it, a crash may take back events that browsers have had.`,
        ),
      );
    }
    return findings;
  },
};
