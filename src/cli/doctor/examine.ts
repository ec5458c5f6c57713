import type { Settings } from '../../config/settings.ts';
import { silentLogger } from '../../core/logger.ts';
import { connect, createApplicationPool } from '../../db/connection.ts';
import { isUnreachable, sqlStateOf } from '../../db/sql-state.ts';
import type { Check, Surroundings } from './check.ts';
import { checks } from './checks.ts';
import { checkJwks } from './checks/jwks.ts';
import { checkPooling } from './checks/pooling.ts';
import { checkRedis } from './checks/redis.ts';
import { checkSchemaVersion } from './checks/schema.ts';
import { checkServer } from './checks/server.ts';
import { found, type Finding } from './finding.ts';

/** A check that could not look, and why. */
export interface Unseen {
  check: string;
  reason: string;
}

export interface Diagnosis {
  /** The gravest first. */
  findings: Finding[];
  unseen: Unseen[];
}

export interface ExamineOptions {
  connectionString: string;
  settings: Surroundings['settings'] & Pick<Settings, 'adapter' | 'redisUrl' | 'jwtJwksUrl'>;
}

const gravity = { error: 0, warning: 1, note: 2 };
const applicationName = 'commitcast-doctor';

/**
 * Looks at the database, and at what else an instance with these settings needs. It changes nothing.
 *
 * @throws what the driver says, when the database cannot be reached
 */
export async function examine(options: ExamineOptions): Promise<Diagnosis> {
  const { connectionString, settings } = options;
  const outside = Promise.all([checkRedis(settings), checkJwks(settings)]);
  const pooling = await checkPooling(connectionString);
  const inside = pooling.some(({ code }) => code === 'DATABASE_POOLED')
    ? { findings: [], unseen: skip([checkServer, ...checks], 'a pooler stands between') }
    : await examineDatabase(options);
  const findings = [...pooling, ...inside.findings, ...(await outside).flat()];
  return {
    findings: findings.toSorted((a, b) => gravity[a.severity] - gravity[b.severity]),
    unseen: inside.unseen,
  };
}

async function examineDatabase({ connectionString, settings }: ExamineOptions): Promise<Diagnosis> {
  const address = { connectionString, applicationName, logger: silentLogger };
  const connection = await connect(address);
  const plain = createApplicationPool({ ...address, max: 1 });
  try {
    return await examineParts({ db: connection.client, plain, settings });
  } finally {
    await plain.end();
    await connection.close();
  }
}

/** Where a check would only stumble over what is found already, it does not look. */
async function examineParts(surroundings: Surroundings): Promise<Diagnosis> {
  const schema: Check = {
    name: 'schema',
    needs: 'server',
    look: ({ db }) => checkSchemaVersion(db),
  };
  const diagnosis: Diagnosis = { findings: [], unseen: [] };
  const run = async (check: Check) => {
    const { findings, unseen } = await tryOut(check, surroundings);
    diagnosis.findings.push(...findings);
    diagnosis.unseen.push(...unseen);
    return { findings, unseen };
  };
  const server = await run(checkServer);
  const standby = server.findings.some(({ code }) => code === 'DATABASE_STANDBY');
  const { findings: ofSchema } = standby ? { findings: [] } : await run(schema);
  const other = ofSchema.some(({ code }) => code === 'SCHEMA_MISSING' || code === 'SCHEMA_TOO_NEW');
  const why = standby ? 'this is a standby' : other ? 'the schema is another one' : undefined;
  for (const check of checks) {
    if (check.needs === 'schema' && why !== undefined) diagnosis.unseen.push(...skip([check], why));
    else await run(check);
  }
  return diagnosis;
}

async function tryOut(check: Check, surroundings: Surroundings): Promise<Diagnosis> {
  try {
    return { findings: await check.look(surroundings), unseen: [] };
  } catch (error) {
    if (isUnreachable(error)) throw error;
    const reason = (error as Error).message;
    if (sqlStateOf(error) !== '42501') return { findings: [], unseen: [{ check: check.name, reason }] };
    const note = found(
      'NOT_ALLOWED_TO_LOOK',
      `The check of ${check.name} was refused: ${reason}.`,
      'Run the doctor as the owner of the schema now and then: it sees more than an instance needs.',
    );
    return { findings: [note], unseen: [] };
  }
}

function skip(skipped: readonly Pick<Check, 'name'>[], reason: string): Unseen[] {
  return skipped.map(({ name }) => ({ check: name, reason }));
}
