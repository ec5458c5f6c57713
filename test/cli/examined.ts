import { expect } from 'vitest';
import { examine, type ExamineOptions, type Unseen } from '../../src/cli/doctor/examine.ts';
import type { FindingCode } from '../../src/cli/doctor/finding-rules.ts';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

export interface Examined {
  /** Codes of errors and warnings, in the order of the alphabet; but `FSYNC_OFF`, for servers of tests may be lost. */
  readonly problems: FindingCode[];
  readonly notes: FindingCode[];
  readonly codes: FindingCode[];
  readonly unseen: Unseen[];
  /** The one finding of a code. */
  finding(code: FindingCode): Finding;
}

export const noSettings: ExamineOptions['settings'] = {
  databaseUrl: undefined,
  databaseDirectUrl: undefined,
  retention: undefined,
  adapter: undefined,
  redisUrl: undefined,
  jwtJwksUrl: undefined,
};

/** What `commitcast doctor` finds. */
export async function examineAt(
  connectionString: string,
  settings: Partial<ExamineOptions['settings']> = {},
): Promise<Examined> {
  const { findings, unseen } = await examine({ connectionString, settings: { ...noSettings, ...settings } });
  const codesOf = (keep: (finding: Finding) => boolean) =>
    findings
      .filter(keep)
      .map(({ code }) => code)
      .toSorted();
  return {
    problems: codesOf(({ severity, code }) => severity !== 'note' && code !== 'FSYNC_OFF'),
    notes: codesOf(({ severity }) => severity === 'note'),
    codes: codesOf(() => true),
    unseen,
    finding(code) {
      const [first, ...more] = findings.filter((each) => each.code === code);
      if (!first || more.length > 0)
        throw new Error(`${code} was found ${first ? 'more than once' : 'nowhere'}`);
      return first;
    },
  };
}

/** A database with an instance that leads, in which nothing is wrong. */
export async function createServedDatabase(): Promise<TestDatabase> {
  const database = await createDatabase();
  await startServer(database);
  await until(async () => {
    const { problems, unseen } = await examineAt(database.url);
    expect({ problems, unseen }).toEqual({ problems: [], unseen: [] });
    return true;
  });
  return database;
}
