import { CommitcastError } from '../../../core/errors.ts';
import { silentLogger } from '../../../core/logger.ts';
import { assertDirect } from '../../../db/pooled.ts';
import { found, type Finding } from '../finding.ts';

/** Whether sessions keep their backend: by the very test that an instance makes at its start. */
export async function checkPooling(connectionString: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  const warn = () => {
    findings.push(
      found(
        'SESSION_POOLER',
        'The process that answers is not the one that the server named at the start of the session, and sessions keep it.',
        'Set DATABASE_DIRECT_URL to the address of the database itself: a pooler may take away the settings and the keepalive of our sessions.',
      ),
    );
  };
  try {
    await assertDirect({ connectionString, logger: { ...silentLogger, warn } });
  } catch (error) {
    if (!(error instanceof CommitcastError) || error.code !== 'DATABASE_POOLED') throw error;
    findings.push(
      found(
        'DATABASE_POOLED',
        `${error.message}.`,
        'Set DATABASE_DIRECT_URL (the plugin: `databaseUrl`) to the address of the database itself. Business connections may stay on the pooler.',
      ),
    );
  }
  return findings;
}
